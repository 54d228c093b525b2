"""Open adapters of every port, as a profile yields them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

import msgspec

from memoryos_adapters.embedding.cached import CachedEmbedder
from memoryos_adapters.settings import LlmProviderSettings
from memoryos_ports.clock import Clock
from memoryos_ports.dead_letters import DeadLetters
from memoryos_ports.documents import DocumentStore
from memoryos_ports.due import DueSet
from memoryos_ports.events import EventLog
from memoryos_ports.faq import FaqMemory
from memoryos_ports.llm import LlmAdapter
from memoryos_ports.locks import Locks
from memoryos_ports.memory import MemoryStorage
from memoryos_ports.outbox import Outbox
from memoryos_ports.short_term import ShortTermStore

Probe: TypeAlias = Callable[[], Awaitable[None]]

OUTBOX_PROBE: Final = "outbox"
"""The probe that tells whether the outbox can be written: nothing that is applied needs it."""


class ConfiguredLlm(msgspec.Struct, frozen=True, kw_only=True):
    """A provider's adapter beside the settings it was made from."""

    adapter: LlmAdapter
    settings: LlmProviderSettings


class Adapters(msgspec.Struct, frozen=True, kw_only=True):
    """Open adapters, one per port. `probes` asks each dependency whether it answers; None: bypassed."""

    clock: Clock
    short_term: ShortTermStore
    events: EventLog
    documents: DocumentStore
    due: DueSet
    dead_letters: DeadLetters
    outbox: Outbox
    locks: Locks
    faq: FaqMemory
    storage: MemoryStorage
    embedder: CachedEmbedder
    llms: tuple[ConfiguredLlm, ...]
    probes: Mapping[str, Probe | None]
