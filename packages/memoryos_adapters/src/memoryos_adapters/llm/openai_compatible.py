"""Any server that speaks OpenAI's chat completions."""

import asyncio
from collections.abc import AsyncGenerator

import aiohttp
from yarl import URL

from memoryos_adapters.llm.call import MAX_ERROR_BYTES, Provider, UpstreamCall
from memoryos_adapters.llm.openai_answer import read_answer
from memoryos_adapters.llm.openai_errors import ErrorTable, read_refusal
from memoryos_adapters.llm.openai_request import encode_request
from memoryos_adapters.llm.openai_stream import StreamDecoder
from memoryos_adapters.settings import LlmProviderSettings
from memoryos_ports.errors import MemoryOSError, UpstreamAuthError, UpstreamProtocolError, UpstreamUnavailable
from memoryos_ports.llm import ChatAnswer, ChatChunk, ChatRequest


class OpenAiCompatibleLlm:
    """An `LlmAdapter` for ``{base_url}/chat/completions``; `base_url` includes the version, as OpenAI's SDK has it.

    What the caller sent goes out byte for byte, and what a well-behaved server answers is kept byte for byte.
    The session belongs to the caller.
    """

    def __init__(self, name: str, settings: LlmProviderSettings, session: aiohttp.ClientSession) -> None:
        key = settings.api_key.reveal() if settings.api_key is not None else ""
        self._name, self._provider = name, Provider(name, settings, session)
        self._url = URL(settings.base_url.rstrip("/") + "/chat/completions")
        self._models_url = URL(settings.base_url.rstrip("/") + "/models")
        self._headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
        self._errors = ErrorTable(upstream=name, hidden=(key, self._url.host or ""))

    @property
    def name(self) -> str:
        """The provider's name in the configuration."""
        return self._name

    async def reach(self) -> None:
        """List the models; a server that has no such route was reached as well."""
        with self._provider.translated:
            async with asyncio.timeout(self._provider.settings.connect_timeout_s):
                response = await self._provider.session.get(
                    self._models_url, headers=self._headers, allow_redirects=False
                )
                response.close()
        if response.status in (401, 403):
            raise UpstreamAuthError(upstream=self._name, detail=f"status {response.status}")
        if response.status >= 500:
            raise UpstreamUnavailable(upstream=self._name, detail=f"status {response.status}", status=response.status)

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        """Return the whole answer, in `total_timeout_s` and at most 64 MiB."""
        async with self._call(request, stream=False) as call:
            await self._check_status(call, model=request.model)
            body = await call.read_whole()
        return read_answer(body, model=request.model, errors=self._errors)

    async def chat_stream(self, request: ChatRequest) -> AsyncGenerator[list[ChatChunk], None]:
        """Yield one list for each read of the connection that brought chunks."""
        async with self._call(request, stream=True) as call:
            await self._check_status(call, model=request.model)
            await self._check_streams(call, model=request.model)
            decoder = StreamDecoder(model=request.model, errors=self._errors)
            while not decoder.complete:
                chunks: list[ChatChunk] = []
                try:
                    decoder.feed(await call.read_piece(), into=chunks)
                except MemoryOSError:
                    if chunks:
                        yield chunks
                    raise
                if chunks:
                    call.answering = True
                    yield chunks
            await call.drain()

    def _call(self, request: ChatRequest, *, stream: bool) -> UpstreamCall:
        body = encode_request(request, stream=stream)
        return self._provider.post(self._url, headers=self._headers, body=body, stream=stream)

    async def _check_status(self, call: UpstreamCall, *, model: str) -> None:
        if call.status != 200:
            refusal = read_refusal(await call.read_head(MAX_ERROR_BYTES))
            raise self._errors.error_of(refusal, status=call.status, model=model, headers=call.headers)

    async def _check_streams(self, call: UpstreamCall, *, model: str) -> None:
        """Some servers answer a stream's request with an error in one piece of JSON under a 200."""
        if call.headers.get("content-type", "").startswith("application/json"):
            read_answer(await call.read_whole(), model=model, errors=self._errors)
            raise UpstreamProtocolError(upstream=self._name, detail="a whole answer where a stream was asked for")
