"""The promises of `OwnerCache`, which every adapter keeps that keeps something of a conversation."""

from typing import Any

import msgspec
import pytest

from memoryos_ports.llm import ChatRequest, LlmAdapter, OwnerCache
from tests.contract.llm.requests import stream_of
from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply


class ToolTurn(msgspec.Struct, frozen=True, kw_only=True):
    """A question, the provider's call of tools, and their results from a client that lost what came with the call."""

    asked: ChatRequest
    called: Reply
    returned: ChatRequest


class OwnerCacheContract:
    """Subclass it as ``Test…`` with fixtures `llm`, `upstream` and `turn`."""

    def test_it_is_a_cache_of_owners(self, llm: LlmAdapter) -> None:
        assert isinstance(llm, OwnerCache)

    @pytest.mark.parametrize("streamed", [False, True])
    async def test_what_was_kept_for_an_owner_is_forgotten(
        self, llm: LlmAdapter, upstream: FakeUpstream, turn: ToolTurn, streamed: bool
    ) -> None:
        await _ask(llm, upstream, turn, owner="ana", streamed=streamed)
        before = await _sent(llm, upstream, turn, owner="ana")

        _forget(llm, "ana")

        after = await _sent(llm, upstream, turn, owner="ana")
        never_known = await _sent(llm, upstream, turn, owner="eve")
        assert (before != after, after) == (True, never_known)

    async def test_others_keep_what_is_theirs(self, llm: LlmAdapter, upstream: FakeUpstream, turn: ToolTurn) -> None:
        for owner in ("ana", "anais"):
            await _ask(llm, upstream, turn, owner=owner)
        before = await _sent(llm, upstream, turn, owner="anais")

        for forgotten in ("ana", "nobody", ""):
            _forget(llm, forgotten)

        assert await _sent(llm, upstream, turn, owner="anais") == before

    async def test_what_comes_later_is_kept_again(
        self, llm: LlmAdapter, upstream: FakeUpstream, turn: ToolTurn
    ) -> None:
        await _ask(llm, upstream, turn, owner="ana")
        before = await _sent(llm, upstream, turn, owner="ana")
        _forget(llm, "ana")

        await _ask(llm, upstream, turn, owner="ana")

        assert await _sent(llm, upstream, turn, owner="ana") == before


def _forget(llm: LlmAdapter, owner: str) -> None:
    assert isinstance(llm, OwnerCache)
    llm.forget(owner)


async def _ask(llm: LlmAdapter, upstream: FakeUpstream, turn: ToolTurn, *, owner: str, streamed: bool = False) -> None:
    upstream.next(turn.called)
    asked = msgspec.structs.replace(turn.asked, owner=owner)
    await (stream_of(llm, asked) if streamed else llm.chat(asked))


async def _sent(llm: LlmAdapter, upstream: FakeUpstream, turn: ToolTurn, *, owner: str) -> Any:
    """Return what goes out when an owner comes back with the results of the tools."""
    await llm.chat(msgspec.structs.replace(turn.returned, owner=owner))
    return upstream.requests[-1].json
