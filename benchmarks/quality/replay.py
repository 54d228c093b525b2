"""Duplicates: what grows when a conversation, or an add, comes again and again?"""

from pathlib import Path
from typing import Any

from benchmarks.quality.client import EAGER, LEARN_S, Prober, becomes_true, probe_client
from benchmarks.quality.figure import Figure
from tests.service.memory.api import MemoryApi
from tests.support.fake_upstream import FakeUpstream
from tests.support.replies import Reply

REPLAYS = 10
EXCHANGES = 8

_STATEMENTS = ("I live in Oslo.", "I work at Acme.", "My favorite color is green.", "我住在苏州。")


async def probe_replay(directory: Path, *, replays: int = REPLAYS, exchanges: int = EXCHANGES) -> list[Figure]:
    """Return how many memories there are too many after the replays."""
    async with (
        FakeUpstream() as upstream,
        probe_client(directory / "replay", *EAGER, upstream=upstream) as prober,
    ):
        upstream.always = Reply.text("Noted.")
        grown = await _history_sent_back(prober, exchanges)
        keyed = await _same_requests(prober, replays, exchanges, with_key=True)
        bare = await _same_requests(prober, replays, exchanges, with_key=False)
        pages, facts = await _same_adds(prober.memory("adder"), replays)
    turns, times = f"{2 * exchanges} turns", f"{replays} replays"
    return [
        Figure(probe="duplicates", case="history sent back with every request", value=grown, of=turns, most=0),
        Figure(probe="duplicates", case="same requests, Idempotency-Key", value=keyed, of=f"{turns}, {times}", most=0),
        Figure(probe="duplicates", case="same requests, no key", value=bare, of=f"{turns}, {times}", most=0),
        Figure(probe="duplicates", case="same adds: pages", value=pages, of=times, most=0),
        Figure(probe="duplicates", case="same adds: facts", value=facts, of=times, most=0),
    ]


async def _history_sent_back(prober: Prober, exchanges: int) -> int:
    await _converse(prober, "talker", exchanges)
    return len(await _settled(prober.memory("talker"), 2 * exchanges)) - 2 * exchanges


async def _same_requests(prober: Prober, replays: int, exchanges: int, *, with_key: bool) -> int:
    """Return what may be recalled beyond one answer per turn: a request without key asks for another answer."""
    user_id = f"replayer-{with_key}"
    for _ in range(replays + 1):
        await _converse(prober, user_id, exchanges, key="same" if with_key else None)
    memory = prober.memory(user_id)
    listed = await _settled(memory, 2 * exchanges)
    if with_key:
        return len(listed) - 2 * exchanges
    found = {hit["id"] for hit in await memory.search("What about thing 1? Noted.", kinds=["page"], limit=200)}
    questions: int = sum(item["role"] == "user" for item in listed)
    answers: int = sum(item["role"] == "assistant" and item["id"] in found for item in listed)
    return max(0, questions - exchanges) + max(0, answers - exchanges)


async def _converse(prober: Prober, user_id: str, exchanges: int, *, key: str | None = None) -> None:
    """Hold a conversation whose client sends all of it back each time."""
    messages: list[dict[str, Any]] = []
    for number in range(exchanges):
        messages.append({"role": "user", "content": f"What about thing {number}?"})
        headers = {"Idempotency-Key": f"{user_id}-{key}-{number}"} if key else {}
        answer = await prober.chat(user_id, messages, **headers)
        messages.append({"role": "assistant", "content": answer})


async def _settled(memory: MemoryApi, number: int) -> list[dict[str, Any]]:
    """Return the pages of a user, once nothing that was accepted before waits: an add at the end is after them."""
    (last,) = (await memory.add("the end", session_id="end"))["memory_ids"]

    async def pages() -> list[dict[str, Any]]:
        return [item for item in await memory.list_all() if item["id"] != last]

    async def are_enough() -> bool:
        return len(await pages()) >= number

    await becomes_true(are_enough)
    return await pages()


async def _same_adds(memory: MemoryApi, replays: int) -> tuple[int, int]:
    """Return how many pages and facts there are too many."""
    before: tuple[int, int] = (0, 0)
    for replay in range(replays + 1):
        for number, text in enumerate(_STATEMENTS):
            await memory.add(text, event_id=f"statement-{number}", session_id="diary", timestamp="2026-01-01T09:00:00Z")
        if replay == 0:
            await _facts(memory, len(_STATEMENTS))
            before = await _counts(memory)
    await _facts(memory, before[1] + 1, patience_s=3.0)  # more of them would need a moment to be learnt
    pages, facts = await _counts(memory)
    return pages - before[0], facts - before[1]


async def _facts(memory: MemoryApi, number: int, *, patience_s: float = LEARN_S) -> None:
    async def are_learnt() -> bool:
        return len(await memory.list_all(kind="fact")) >= number

    await becomes_true(are_learnt, patience_s=patience_s)


async def _counts(memory: MemoryApi) -> tuple[int, int]:
    return len(await memory.list_all()), len(await memory.list_all(kind="fact"))
