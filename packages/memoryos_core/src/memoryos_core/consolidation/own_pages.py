"""Pages as something is learnt from them: what is hidden left out, what memory itself had put into them taken out."""

from collections.abc import Sequence

import msgspec

from memoryos_core.memory.block import strip_blocks
from memoryos_ports.ids import MemoryId, Scope
from memoryos_ports.memory import MemoryStorage, Page, only_pages


async def own_pages(storage: MemoryStorage, scope: Scope, ids: Sequence[MemoryId]) -> list[Page]:
    """Return those of the pages that exist and are not hidden, without blocks of recalled memory in their texts."""
    pages = only_pages(await storage.get(scope, ids)) if ids else []
    return [_own_words(page) for page in pages if not page.is_hidden]


def _own_words(page: Page) -> Page:
    return msgspec.structs.replace(page, text=strip_blocks(page.text))
