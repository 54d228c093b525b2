"""Extraction by a language model: summary, keywords and statements of a batch of turns in one call."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeAlias

import msgspec

from memoryos_core.extraction.checking import check_answer
from memoryos_core.extraction.prompts import extraction_messages, repair_messages, seen_text
from memoryos_core.extraction.schema import Extraction, response_format
from memoryos_core.tokens import estimate_tokens
from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ChatAnswer, ChatRequest, Choice, Message
from memoryos_ports.memory import Page

BATCH_TOKENS = 4_000
BATCH_PAGES = 60

Chat: TypeAlias = Callable[[ChatRequest], Awaitable[ChatAnswer]]
"""`LlmAdapter.chat`, or what dispatches to one."""

_PARAMS = {"response_format": msgspec.Raw(msgspec.json.encode(response_format()))}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What `calls` calls brought: an extraction, or the `reason` why there is none and rules have to do."""

    extraction: Extraction | None
    calls: int
    reason: str = ""


class LlmExtractor:
    """Asks a model once per batch, and a second time when the answer has faults that can be told."""

    def __init__(self, chat: Chat, *, model: str) -> None:
        self._chat = chat
        self._model = model

    async def extract(self, pages: Sequence[Page]) -> Outcome:
        """Return what the model made of these turns: everything checked, or nothing at all.

        A refusal, an answer that was cut, filtered or empty, a tool call, or faults twice in a row give a reason and no
        extraction. UpstreamError passes: nothing was learnt, and the turns may be tried again later.
        """
        if not any(page.role == "user" for page in pages):
            return Outcome(extraction=None, calls=0, reason="no turn is the user's")
        messages = extraction_messages(pages)
        answer, reason = await self._ask(messages)
        if reason:
            return Outcome(extraction=None, calls=1, reason=reason)
        checked = check_answer(answer, pages)
        if isinstance(checked, Extraction):
            return Outcome(extraction=checked, calls=1)
        return await self._repair(pages, (*messages, *repair_messages(answer, checked)))

    async def _repair(self, pages: Sequence[Page], messages: tuple[Message, ...]) -> Outcome:
        answer, reason = await self._ask(messages)
        checked = [reason] if reason else check_answer(answer, pages)
        if isinstance(checked, Extraction):
            return Outcome(extraction=checked, calls=2)
        return Outcome(extraction=None, calls=2, reason="; ".join(checked))

    async def _ask(self, messages: tuple[Message, ...]) -> tuple[str, str]:
        """Return the text of the answer, or "" and why there is none."""
        try:
            answer = await self._chat(ChatRequest(model=self._model, messages=messages, params=_PARAMS))
        except InvalidInput as exc:
            return "", f"the model cannot be asked for this: {exc.code or exc.message}"
        choice = answer.choices[0]
        return ("", reason) if (reason := _refusal(choice)) else (choice.message.content or "", "")


def batches(
    pages: Sequence[Page], *, max_tokens: int = BATCH_TOKENS, max_pages: int = BATCH_PAGES
) -> Iterator[list[Page]]:
    """Yield the pages in order in runs that one call takes; a page that is too long for a run has one of its own."""
    batch: list[Page] = []
    tokens = 0
    for page in pages:
        cost = estimate_tokens(seen_text(page))
        if batch and (tokens + cost > max_tokens or len(batch) == max_pages):
            yield batch
            batch, tokens = [], 0
        batch.append(page)
        tokens += cost
    if batch:
        yield batch


def _refusal(choice: Choice) -> str:
    message = choice.message
    if message.refusal:
        return "the model refused"
    if message.tool_calls or choice.finish_reason != "stop":
        return f"the answer ended with {choice.finish_reason}"
    return "" if (message.content or "").strip() else "the answer is empty"
