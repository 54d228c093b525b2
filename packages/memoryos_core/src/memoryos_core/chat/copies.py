"""Turns that come more than once: in the event of their exchange, and as history of a later one.

A gateway takes the history that a client sends along for new as long as it does not know of the events that hold it:
they may wait in the outbox of another gateway (ADR 17). Of such a turn the pages of its own exchange stay and its
copies go, whichever of the events is applied first, also when both are applied at once: each notes what its pages say
before they are stored, and looks again afterwards.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

import msgspec

from memoryos_core.chat.conversations import Conversations
from memoryos_core.chat.known_turns import Said, Standing
from memoryos_core.chat.messages import normalised
from memoryos_core.lifecycle.history import History
from memoryos_ports.events import TurnsEvent
from memoryos_ports.ids import MemoryId, Scope, digest
from memoryos_ports.memory import MemoryStorage, only_pages


class Sifted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be stored of an exchange: not `yielding`, its pages that others stand for.

    `withdrawn` are stored pages of other events that are to go, since its own stand for them.
    """

    yielding: frozenset[MemoryId]
    withdrawn: tuple[MemoryId, ...] = ()


class Copies:
    """Decides which of the pages that say the same of a turn is stored: the same one in whatever order they come."""

    def __init__(self, *, conversations: Conversations, history: History, storage: MemoryStorage) -> None:
        self._conversations = conversations
        self._history = history
        self._storage = storage

    async def sift(self, event: TurnsEvent) -> Sifted:
        """Note in its conversation what an exchange says, and return what of it is to be stored."""
        mine = pages_by_turn(event)
        turns = _beside(mine, await self._conversations.record(event, mine))
        yielding = await self._untouched(event.scope, _yielding(turns))
        kept = [(page, turn) for page, turn in turns if page.page not in yielding]
        rivals = {page.page: others for page, turn in kept if (others := [o for o in turn if _yields(o, page)])}
        sifted = Sifted(yielding=yielding)
        return await self._without(event.scope, sifted, rivals) if rivals else sifted

    async def overtaken(self, event: TurnsEvent) -> frozenset[MemoryId]:
        """Return those of its stored pages that others stand for: events may be applied at once, or half and again."""
        mine = pages_by_turn(event)
        known = await self._conversations.find(event.scope, list(mine), event.session_id)
        turns = _beside(mine, {hash_: turn.said for hash_, turn in known.turns.items()})
        yielding = await self._untouched(event.scope, _yielding(turns))
        stored = await self._storage.get(event.scope, sorted(yielding)) if yielding else []
        return frozenset(page.id for page in stored)

    async def _without(self, scope: Scope, sifted: Sifted, rivals: Mapping[MemoryId, Sequence[Said]]) -> Sifted:
        """Let pages stand for those that yield to them, unless somebody edited or deleted one of these: that stands."""
        words = {other.page: other.words for others in rivals.values() for other in others}
        untouched = await self._untouched(scope, words)
        own = {page for page, others in rivals.items() if untouched.issuperset(other.page for other in others)}
        gone = {other.page for page in own for other in rivals[page]}
        stored = only_pages(await self._storage.get(scope, sorted(gone))) if gone else []
        withdrawn = tuple(page.id for page in stored if _words_of(page.role, page.text) == words[page.id])
        return Sifted(yielding=sifted.yielding | (rivals.keys() - own), withdrawn=withdrawn)

    async def _untouched(self, scope: Scope, pages: Collection[MemoryId]) -> frozenset[MemoryId]:
        """Return those of the pages that nobody edited or deleted."""
        return frozenset(pages) - await self._history.touched(scope, sorted(pages)) if pages else frozenset()


def pages_by_turn(event: TurnsEvent) -> dict[str, tuple[Said, ...]]:
    """Return the pages of an exchange by the user turn (chain hash) that they belong to.

    What an assistant said before the first user turn belongs to that one. There are more hashes than user turns only
    for a lone message in an outage (`turn_plan`): those in front are what it may be.
    """
    if event.chain is None or event.session_id is None:
        return {}
    hashes = (*event.chain.passed, event.chain.hash)
    asked = sum(message.role == "user" for message in event.messages) or 1
    maybe, places = hashes[:-asked], hashes[-asked:]
    said: dict[str, list[Said]] = {hash_: [] for hash_ in hashes}
    for hash_, page, role, text in _placed(event, places):
        own: Standing = "asked" if role == "user" else "answered"
        words = _words_of(role, text)
        said[hash_].append(Said(event.accepted_at, page, words, own if hash_ == event.chain.hash else "copy"))
        for other in maybe:
            said[other].append(Said(event.accepted_at, page, words, "maybe"))
    return {hash_: tuple(pages) for hash_, pages in said.items()}


def _placed(event: TurnsEvent, places: Sequence[str]) -> Iterator[tuple[str, MemoryId, str, str]]:
    """Yield the turn, id, role and text of every page of an event; `places` are its turns in order."""
    asked = 0
    for page, message in zip(event.memory_ids, event.messages, strict=True):
        asked += message.role == "user"
        yield places[min(max(asked - 1, 0), len(places) - 1)], page, message.role, message.content


def _beside(
    mine: Mapping[str, Sequence[Said]], heard: Mapping[str, Sequence[Said]]
) -> list[tuple[Said, Sequence[Said]]]:
    """Return each page with all that is said of its turn."""
    return [(page, heard.get(hash_, ())) for hash_, pages in mine.items() for page in pages]


def _yielding(turns: Sequence[tuple[Said, Sequence[Said]]]) -> frozenset[MemoryId]:
    return frozenset(page.page for page, turn in turns if any(_yields(page, other) for other in turn))


def _yields(one: Said, other: Said) -> bool:
    """Return whether a page is not stored because another of its turn says the same.

    A copy yields to every page but later copies. Of a turn that was asked in two exchanges (in an outage it may be
    called otherwise) the later page yields. An answer never does: it was given again.
    """
    if one.words != other.words or one.page == other.page:
        return False
    is_later = (one.at, one.page) > (other.at, other.page)
    match one.standing:
        case "copy":
            return is_later or other.standing != "copy"
        case "asked":
            return is_later and other.standing == "asked"
        case _:
            return False


def _words_of(role: str, text: str) -> str:
    """Return what is the same for pages of one speaker and text (16 hex digits)."""
    return digest("said", role, normalised(text))[:8].hex()
