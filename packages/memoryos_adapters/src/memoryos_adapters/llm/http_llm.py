"""The adapter of every provider that is reached over HTTP: the calls are the same, the dialect is the provider's."""

import asyncio
from collections.abc import AsyncGenerator, Mapping

import aiohttp
import msgspec

from memoryos_adapters.http import Http
from memoryos_adapters.llm.answer_headers import shown_headers
from memoryos_adapters.llm.call import MAX_ERROR_BYTES, Provider, UpstreamCall
from memoryos_adapters.llm.dialect import ChatDialect, EmbeddingsDialect, Outgoing, StreamDecoder
from memoryos_adapters.llm.inline_images import with_inline_images
from memoryos_adapters.settings import LlmProviderSettings
from memoryos_ports.embedding import Vector
from memoryos_ports.errors import (
    MemoryOSError,
    RateLimited,
    StreamCut,
    UpstreamAuthError,
    UpstreamProtocolError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from memoryos_ports.llm import CallFacts, ChatAnswer, ChatChunk, ChatRequest, OwnerCache, Usage
from memoryos_ports.llm_embeddings import EmbeddingsAnswer, EmbeddingsRequest

_NO_SUCH_ROUTE = (404, 405)


class HttpLlm:
    """An `LlmAdapter` and `OwnerCache` over one POST per request. The session belongs to the caller."""

    def __init__(self, name: str, settings: LlmProviderSettings, http: Http, dialect: ChatDialect) -> None:
        self._name, self._provider, self._dialect = name, Provider(name, settings, http), dialect

    @property
    def name(self) -> str:
        """The provider's name in the configuration."""
        return self._name

    async def reach(self) -> None:
        """Ask for something that costs nothing; a server that knows nothing of it is hardly the right one."""
        provider, url = self._provider, self._dialect.reach_url
        headers = await self._headers()
        with provider.translated:
            async with asyncio.timeout(provider.settings.connect_timeout_s):
                async with provider.http.session.get(
                    url, headers=headers, allow_redirects=False, **provider.http.way_to(url)
                ) as response:
                    body = b"" if response.status < 400 else await _head_of(response)
        if response.status >= 400:  # it is the dialect that knows refused credentials: Google's are a 400
            error = self._dialect.error_of(body, status=response.status, headers=response.headers, model="")
            if isinstance(error, UpstreamAuthError | UpstreamUnavailable | UpstreamTimeout):
                raise error
            if response.status in _NO_SUCH_ROUTE:
                detail = f"status {response.status} for {url.path}: is base_url right?"
                raise UpstreamUnavailable(upstream=self._name, detail=detail, status=response.status)

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        """Return the whole answer, in `total_timeout_s` and at most 64 MiB."""
        request = await self._prepared(request)
        outgoing = self._dialect.encode(request, stream=False)
        async with self._post(outgoing, await self._headers(), stream=False) as call:
            await self._check_status(call, model=request.model)
            body = await call.read_whole()
            facts = _facts(outgoing, call)
        return msgspec.structs.replace(self._dialect.read_answer(body, request), facts=facts)

    async def chat_stream(self, request: ChatRequest) -> AsyncGenerator[list[ChatChunk], None]:
        """Yield one list for each read of the connection that brought chunks."""
        request = await self._prepared(request)
        outgoing = self._dialect.encode(request, stream=True)
        async with self._post(outgoing, await self._headers(), stream=True) as call:
            await self._check_status(call, model=request.model)
            await self._check_streams(call, request)
            decoder = self._dialect.stream_decoder(request)
            while not decoder.complete:
                chunks: list[ChatChunk] = []
                try:
                    await _feed(call, decoder, into=chunks)
                except MemoryOSError:
                    if chunks:
                        yield _begun(chunks, outgoing, call)
                    raise
                if chunks:
                    yield _begun(chunks, outgoing, call)
            await call.drain()

    def forget(self, owner: str) -> None:
        """Drop what the dialect keeps of an owner's conversations, if it keeps anything."""
        if isinstance(self._dialect, OwnerCache):
            self._dialect.forget(owner)

    async def _prepared(self, request: ChatRequest) -> ChatRequest:
        if not self._dialect.inlines_images:
            return request
        return await with_inline_images(request, self._provider.http)

    async def _headers(self) -> Mapping[str, str]:
        configured = {name: value.reveal() for name, value in self._provider.settings.headers.items()}
        return {**await self._dialect.headers(), **configured}

    def _post(self, outgoing: Outgoing, headers: Mapping[str, str], *, stream: bool) -> UpstreamCall:
        return self._provider.post(outgoing.url, headers=headers, body=outgoing.body, stream=stream)

    async def _check_status(self, call: UpstreamCall, *, model: str) -> None:
        if call.status != 200:
            body = await call.read_head(MAX_ERROR_BYTES)
            error = self._dialect.error_of(body, status=call.status, headers=call.headers, model=model)
            if isinstance(error, RateLimited):
                error.headers = shown_headers(call.headers)
            raise error

    async def _check_streams(self, call: UpstreamCall, request: ChatRequest) -> None:
        """Some servers answer a stream's request with an error in one piece of JSON under a 200."""
        if call.headers.get("content-type", "").startswith("application/json"):
            self._dialect.read_answer(await call.read_whole(), request)
            raise UpstreamProtocolError(upstream=self._name, detail="a whole answer where a stream was asked for")


class HttpLlmWithEmbeddings(HttpLlm):
    """An `HttpLlm` that is an `EmbeddingsAdapter` as well."""

    def __init__(self, name: str, settings: LlmProviderSettings, http: Http, dialect: EmbeddingsDialect) -> None:
        super().__init__(name, settings, http, dialect)
        self._embeddings = dialect

    async def embeddings(self, request: EmbeddingsRequest) -> EmbeddingsAnswer:
        """Return the vectors, asked for in as many calls as the provider's bound on inputs needs."""
        vectors: list[Vector] = []
        usages: list[Usage | None] = []
        facts: CallFacts | None = None
        for start in range(0, len(request.input), self._embeddings.max_inputs):
            inputs = request.input[start : start + self._embeddings.max_inputs]
            batch = msgspec.structs.replace(request, input=inputs)
            outgoing = self._embeddings.encode_embeddings(batch)
            async with self._post(outgoing, await self._headers(), stream=False) as call:
                await self._check_status(call, model=request.model)
                body = await call.read_whole()
                facts = _facts(outgoing, call)
            found, usage = self._embeddings.read_embeddings(body, batch)
            vectors.extend(found)
            usages.append(usage)
        return EmbeddingsAnswer(
            model=request.model, vectors=tuple(vectors), usage=_sum(usages), facts=facts or CallFacts()
        )


async def _head_of(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) >= MAX_ERROR_BYTES:
            break
    return bytes(body)


def _begun(chunks: list[ChatChunk], outgoing: Outgoing, call: UpstreamCall) -> list[ChatChunk]:
    """Return chunks of a stream; the first of all holds the facts of its call."""
    if not call.answering:
        call.answering = True
        chunks[0] = msgspec.structs.replace(chunks[0], facts=_facts(outgoing, call))
    return chunks


def _facts(outgoing: Outgoing, call: UpstreamCall) -> CallFacts:
    return CallFacts(dropped_params=outgoing.dropped_params, headers=shown_headers(call.headers))


def _sum(usages: list[Usage | None]) -> Usage | None:
    known = [usage for usage in usages if usage is not None]
    if len(known) < len(usages):
        return None
    return Usage(prompt_tokens=sum(usage.prompt_tokens for usage in known), completion_tokens=0)


async def _feed(call: UpstreamCall, decoder: StreamDecoder, into: list[ChatChunk]) -> None:
    """Feed what has arrived; a connection that breaks after the answer was whole has merely ended."""
    try:
        data = await call.read_piece()
    except StreamCut:
        if not _is_whole(decoder, into):
            raise
    else:
        decoder.feed(data, into=into)


def _is_whole(decoder: StreamDecoder, into: list[ChatChunk]) -> bool:
    try:
        decoder.feed(b"", into=into)
    except MemoryOSError:
        return False
    return decoder.complete
