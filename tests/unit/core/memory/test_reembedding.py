"""Embedding stored memories again: what is embedded of each kind, and what an embedder outside never sees."""

from collections.abc import Sequence

from memoryos_core.memory.reembedding import Reembedder
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_ports.embedding import EmbedderStamp, Vector
from memoryos_ports.ids import page_id, segment_id
from memoryos_ports.knowledge import Segment
from memoryos_ports.memory import Chunk
from tests.support.makers import ANA, NOON, make_fact, make_page


class _Lengths:
    """An embedder whose vectors are the lengths of the texts; `seen` are all of them."""

    stamp = EmbedderStamp(name="lengths", dimensions=1)

    def __init__(self, *, local: bool = True) -> None:
        self.local = local
        self.seen: list[str] = []

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return the lengths."""
        self.seen += texts
        return [[float(len(text))] for text in texts]


def _segment(text: str, *, evicted: bool = False) -> Segment:
    first = page_id(ANA, make_page().event_id, 0)
    return Segment(
        id=segment_id(ANA, first),
        scope=ANA,
        text=text,
        keywords=("tea", "green"),
        timestamp=NOON,
        started_at=NOON,
        accepted_at=NOON,
        last_visit=NOON,
        evicted=evicted,
    )


def _whole(text: str) -> Chunk:
    return Chunk(number=0, start=0, end=len(text))


async def test_each_stretch_is_embedded_as_it_was_with_its_speaker() -> None:
    embedder = _Lengths()
    page = make_page("0123456789", name="Ana")
    stretches = [Chunk(number=0, start=0, end=6), Chunk(number=1, start=4, end=10)]

    vectors = await Reembedder(embedder).vectors([(page, stretches), (make_fact("tea", speaker=None), [_whole("tea")])])

    assert embedder.seen == ["Ana: 012345", "Ana: 456789", "tea"]
    assert vectors == [[[11.0], [11.0]], [[3.0]]]


async def test_a_segment_is_embedded_by_its_summary_and_keywords() -> None:
    embedder = _Lengths()

    await Reembedder(embedder).vectors([(_segment("About tea."), [_whole("About tea.")])])

    assert embedder.seen == ["About tea. tea green"]


async def test_an_evicted_segment_has_no_vector() -> None:
    embedder = _Lengths()

    vectors = await Reembedder(embedder).vectors([(_segment("", evicted=True), [_whole("")]), (make_page("tea"), [])])

    assert (vectors, embedder.seen) == ([[None], []], [])


async def test_sensitive_memories_are_not_shown_to_an_embedder_outside() -> None:
    outside = _Lengths(local=False)
    pages = [make_page("tea"), make_page("my secret", sensitive=True), make_page("the tulip")]

    vectors = await Reembedder(outside, SensitiveRules(["tulip"])).vectors([(p, [_whole(p.text)]) for p in pages])

    assert vectors == [[[3.0]], [None], [None]]
    assert outside.seen == ["tea"]
