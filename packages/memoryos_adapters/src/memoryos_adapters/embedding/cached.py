"""An embedder that remembers questions: the same ones come again and again."""

import asyncio
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b

from memoryos_ports.embedding import Embedder, EmbedderStamp, Vector
from memoryos_ports.errors import MemoryOSError

_MAX_KEPT = 1024  # texts; 8 bytes a dimension: 3 MB for MiniLM


class CachedEmbedder:
    """An `Embedder` and `EmbeddingCache` over another embedder. Texts that come alone are kept, batches are not.

    What is kept longest unasked goes first. Equal texts that are asked for at the same time are embedded once; when
    that fails it fails for all of them, and nothing is kept. Texts themselves are not kept, only their hashes.
    """

    def __init__(self, embedder: Embedder, *, max_kept: int = _MAX_KEPT) -> None:
        self._embedder, self._max_kept = embedder, max_kept
        self._kept: OrderedDict[bytes, array[float]] = OrderedDict()
        self._asked: dict[bytes, asyncio.Future[Vector | None]] = {}

    @property
    def stamp(self) -> EmbedderStamp:
        """Return the embedder's own."""
        return self._embedder.stamp

    @property
    def local(self) -> bool:
        """Return what the embedder itself says."""
        return self._embedder.local

    def forget(self) -> None:
        """Drop all vectors."""
        self._kept, self._asked = OrderedDict(), {}

    async def embed(self, texts: Sequence[str]) -> list[Vector]:
        """Return one unit vector per text, in order."""
        if len(texts) != 1:
            return await self._embedder.embed(texts)
        (text,) = texts
        key = blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
        while True:
            if (kept := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return [kept.tolist()]
            if (asked := self._asked.get(key)) is None:
                return [await self._ask(key, text)]
            if (vector := await asyncio.shield(asked)) is not None:
                return [list(vector)]

    async def _ask(self, key: bytes, text: str) -> Vector:
        kept, asked = self._kept, self._asked  # those of before, if all is forgotten in the meantime
        answer = asked[key] = asyncio.get_running_loop().create_future()
        try:
            (vector,) = await self._embedder.embed([text])
        except MemoryOSError as exc:
            answer.set_exception(exc)
            answer.exception()  # seen: there may be nobody who waits
            raise
        else:
            answer.set_result(vector)
            self._keep(kept, key, vector)
            return vector
        finally:
            del asked[key]
            if not answer.done():
                answer.set_result(None)  # cancelled, say: the next one who waits asks

    def _keep(self, kept: OrderedDict[bytes, "array[float]"], key: bytes, vector: Vector) -> None:
        kept[key] = array("d", vector)
        while len(kept) > self._max_kept:
            kept.popitem(last=False)
