"""The command `reembed`: gives every memory a vector of the configured embedder, after that was changed."""

import asyncio

import msgspec

from memoryos_adapters.data_directory import open_data_directory
from memoryos_adapters.registry import Reembedding, open_reembedding
from memoryos_adapters.settings import Settings
from memoryos_core.memory.reembedding import Reembedder
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_gateway.progress import showing_progress

_MEMORIES_AT_ONCE = 64


class Reembedded(msgspec.Struct, frozen=True, kw_only=True):
    """What was done: `embedder` is that of the index now, `memories` how many it holds, deleted ones included.

    `embedded` of them were embedded by this run; none when the index was of this embedder already.
    """

    embedder: str
    memories: int
    embedded: int


async def reembed(settings: Settings) -> Reembedded:
    """Embed the index of the data directory again; run again after an interruption, it goes on where it was.

    Raises ConfigurationError when a gateway holds the directory, StorageFull when the disk has no room for a second
    index, UpstreamError when the embedder fails. The index is the old one, whole, until all is done.
    """
    with open_data_directory(settings.data_dir) as directory:
        async with open_reembedding(settings, index=directory.index) as opened:
            return await _embed_again(opened, SensitiveRules(settings.router.sensitive))


async def _embed_again(opened: Reembedding, rules: SensitiveRules) -> Reembedded:
    stamp, copy = str(opened.embedder.stamp), opened.copy
    if copy is None:
        return Reembedded(embedder=stamp, memories=0, embedded=0)
    reembedder = Reembedder(opened.embedder, rules)
    with showing_progress("reembed", total=copy.total, done=copy.done, unit="memories") as progress:
        pending = copy.pending(_MEMORIES_AT_ONCE)
        while batch := await asyncio.to_thread(next, pending, None):
            stored = [(one.memory, one.chunks) for one in batch if one.memory is not None]
            vectors = iter(await reembedder.vectors(stored))
            own = [[] if one.memory is None else next(vectors) for one in batch]
            await asyncio.to_thread(copy.write, batch, own)
            progress.update(len(batch))
    await asyncio.to_thread(copy.finish)
    return Reembedded(embedder=stamp, memories=copy.total, embedded=copy.total - copy.done)
