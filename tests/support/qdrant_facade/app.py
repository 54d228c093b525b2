"""The routes of the facade: HTTP on one side, collections on the other, Qdrant's envelope around everything."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import msgspec
from aiohttp import web
from pydantic import BaseModel, ValidationError
from qdrant_client import models

from tests.support.qdrant_facade.collections import Collection, Collections

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

VERSION = "1.20.0"
"""The version of Qdrant whose engine and whose client's models are used."""

_OPEN_PATHS = ("/", "/healthz", "/readyz", "/livez")
_BODY_BYTES = 32 * 2**20


class Facade:
    """The web application over some collections, which one thread works on, as the engine holds the GIL anyway."""

    def __init__(self, collections: Collections, *, api_key: str | None) -> None:
        self._collections, self._api_key = collections, api_key
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="qdrant-facade")

    def app(self) -> web.Application:
        """Return the application."""
        app = web.Application(client_max_size=_BODY_BYTES, middlewares=[self._answering])
        app.add_routes(
            [
                web.get("/", _title),
                *(web.get(path, _passed) for path in _OPEN_PATHS[1:]),
                web.get("/collections", self._list),
                web.get("/collections/{name}", self._describe),
                web.put("/collections/{name}", self._create),
                web.delete("/collections/{name}", self._delete),
                web.put("/collections/{name}/index", self._on(models.CreateFieldIndex, Collection.index)),
                web.post("/collections/{name}/points", self._on(models.PointRequest, Collection.retrieve)),
                web.post("/collections/{name}/points/batch", self._on(models.UpdateOperations, Collection.write)),
                web.post("/collections/{name}/points/scroll", self._on(models.ScrollRequest, Collection.scroll)),
                web.post("/collections/{name}/points/count", self._on(models.CountRequest, Collection.count)),
                web.post(
                    "/collections/{name}/points/query/batch", self._on(models.QueryRequestBatch, Collection.query)
                ),
            ]
        )
        app.on_cleanup.append(self._close)
        return app

    @web.middleware
    async def _answering(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        if self._api_key not in (None, request.headers.get("api-key")) and request.path not in _OPEN_PATHS:
            return web.Response(status=401, text="Must provide an API key or an Authorization bearer token")
        try:
            return await handler(request)
        except KeyError as exc:
            return _failure(404, f"Not found: Collection `{exc.args[0]}` doesn't exist!", started)
        except FileExistsError as exc:
            return _failure(409, f"Wrong input: Collection `{exc}` already exists!", started)
        except ValidationError as exc:
            return _failure(400, f"Format error in JSON body: {exc.error_count()} faults", started)
        except NotImplementedError as exc:
            return _failure(400, f"Not implemented by the facade: {exc}", started)
        except web.HTTPException as exc:
            return _failure(exc.status, exc.reason, started)
        except Exception as exc:  # noqa: BLE001 - all that the engine raises, told apart by its text
            return _failure(400 if "Wrong input" in str(exc) else 500, str(exc), started)

    def _on(self, model: type[Model], work: Callable[[Collection, Model], Any]) -> Handler:
        """Return the handler of a call on one collection."""

        async def handle(request: web.Request) -> web.Response:
            body, name = model.model_validate_json(await request.read()), request.match_info["name"]
            return await self._answer(lambda: work(self._collections.get(name), body))

        return handle

    async def _list(self, _: web.Request) -> web.Response:
        return await self._answer(lambda: {"collections": [{"name": name} for name in self._collections.names()]})

    async def _describe(self, request: web.Request) -> web.Response:
        return await self._answer(lambda: self._collections.get(request.match_info["name"]).describe())

    async def _create(self, request: web.Request) -> web.Response:
        definition = models.CreateCollection.model_validate_json(await request.read())
        await self._do(lambda: self._collections.create(request.match_info["name"], definition))
        return _success(True)

    async def _delete(self, request: web.Request) -> web.Response:
        return await self._answer(lambda: self._collections.delete(request.match_info["name"]))

    async def _answer(self, work: Callable[[], Any]) -> web.Response:
        return _success(await self._do(work))

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def _close(self, _: web.Application) -> None:
        await self._do(self._collections.close)
        self._thread.shutdown()


async def _title(_: web.Request) -> web.Response:
    return web.json_response({"title": "qdrant - vector search engine", "version": VERSION})


async def _passed(_: web.Request) -> web.Response:
    return web.Response(text="all shards are ready")


def _success(result: Any) -> web.Response:
    body = msgspec.json.encode({"result": result, "status": "ok", "time": 0.0})
    return web.Response(body=body, content_type="application/json")


def _failure(status: int, error: str, started: float) -> web.Response:
    return web.json_response({"status": {"error": error}, "time": time.perf_counter() - started}, status=status)
