"""Which texts an embedder may see: what is sensitive is never given to one that is not local."""

from collections.abc import Sequence

from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_ports.embedding import Embedder, Vector


class GuardedEmbedder:
    """Vectors of texts, None for those that the embedder must not see: they are found by words only."""

    def __init__(self, embedder: Embedder, rules: SensitiveRules | None = None) -> None:
        self._embedder, self._rules = embedder, rules or SensitiveRules()

    @property
    def is_local(self) -> bool:
        """Whether texts stay on our own machines."""
        return self._embedder.local

    async def vectors(self, texts: Sequence[str], *, sensitive: Sequence[bool]) -> list[Vector | None]:
        """Return one vector or None per text, in order; `sensitive` marks what is known to be, rules find more.

        Raises UpstreamError when the vectors come from outside and do not come.
        """
        shown = [self._may_see(text, marked) for text, marked in zip(texts, sensitive, strict=True)]
        given = [text for text, is_shown in zip(texts, shown, strict=True) if is_shown]
        made = iter(await self._embedder.embed(given) if given else [])
        return [next(made) if is_shown else None for is_shown in shown]

    async def vector(self, text: str, *, sensitive: bool = False) -> Vector | None:
        """Return the vector of one text, such as a question, or None."""
        (vector,) = await self.vectors([text], sensitive=[sensitive])
        return vector

    def _may_see(self, text: str, marked: bool) -> bool:
        return self._embedder.local or not (marked or self._rules.match(text))
