"""The direct tier: an approved answer of the tenant's FAQ memory, given without asking any model."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Mapping

import msgspec

from memoryos_core.chat.messages import remembered_text
from memoryos_core.routing.router import RESERVED_PREFIX
from memoryos_ports.errors import NotFound, UpstreamTimeout
from memoryos_ports.faq import FaqMemory
from memoryos_ports.ids import DEFAULT_TENANT, TenantId
from memoryos_ports.llm import AnswerMessage, ChatAnswer, ChatChunk, ChatRequest, Choice, ChoiceDelta, Usage

DIRECT_TIER = "direct"
DIRECT_PROVIDER = RESERVED_PREFIX
DIRECT_MODEL = "faq"
LOOKUP_TIMEOUT_S = 0.15

_NO_TOKENS = Usage(prompt_tokens=0, completion_tokens=0)
_FREE = {"response_format": ({"type": "text"},), "tool_choice": ("auto", "none"), "n": (1,)}
"""The parameters that give an answer a certain form, with the values that leave it free (as null does)."""


class DirectLlm:
    """An `LlmAdapter` over a tenant's FAQ memory. It raises NotFound where no approved question is near enough.

    It answers a user's question only: not a tool's result, and nothing that has to have a certain form.
    """

    def __init__(self, faq: FaqMemory, *, min_similarity: float, tenant_id: TenantId = DEFAULT_TENANT) -> None:
        self._faq, self._min_similarity, self._tenant_id = faq, min_similarity, tenant_id

    @property
    def name(self) -> str:
        """The provider's name in the route."""
        return DIRECT_PROVIDER

    def of(self, tenant_id: TenantId) -> "DirectLlm":
        """Return the same for one tenant."""
        return DirectLlm(self._faq, min_similarity=self._min_similarity, tenant_id=tenant_id)

    async def reach(self) -> None:
        """Return: there is nothing to reach."""

    async def chat(self, request: ChatRequest) -> ChatAnswer:
        """Return the approved answer."""
        text = await self._answer(request)
        choice = Choice(index=0, message=AnswerMessage(content=text), finish_reason="stop")
        return ChatAnswer(
            id=_new_id(), created=int(time.time()), model=request.model, choices=(choice,), usage=_NO_TOKENS
        )

    async def chat_stream(self, request: ChatRequest) -> AsyncGenerator[list[ChatChunk], None]:
        """Yield the approved answer in one piece."""
        text = await self._answer(request)
        chunk = ChatChunk(id=_new_id(), created=int(time.time()), model=request.model)
        deltas = (
            ChoiceDelta(index=0, role="assistant", content=text),
            ChoiceDelta(index=0, finish_reason="stop"),
        )
        yield [
            *(msgspec.structs.replace(chunk, deltas=(delta,)) for delta in deltas),
            msgspec.structs.replace(chunk, usage=_NO_TOKENS),
        ]

    async def _answer(self, request: ChatRequest) -> str:
        question = _question(request)
        if question is None:
            raise NotFound("direct answer", DIRECT_MODEL)
        try:
            async with asyncio.timeout(LOOKUP_TIMEOUT_S):
                match = await self._faq.match(self._tenant_id, question)
        except TimeoutError as exc:
            raise UpstreamTimeout(upstream=DIRECT_PROVIDER, detail="no answer in time") from exc
        if match is None or match.similarity < self._min_similarity:
            raise NotFound("direct answer", DIRECT_MODEL)
        return match.entry.answer


def _question(request: ChatRequest) -> str | None:
    last = request.messages[-1]
    if last.role != "user" or not all(_is_free(name, request.params) for name in _FREE):
        return None
    return remembered_text(last) or None


def _is_free(name: str, params: Mapping[str, msgspec.Raw]) -> bool:
    try:
        return msgspec.json.decode(params.get(name, b"null")) in (None, *_FREE[name])
    except msgspec.DecodeError:
        return False


def _new_id() -> str:
    return f"direct-{uuid.uuid4().hex}"
