"""The open stores that memory stands on."""

import msgspec

from memoryos_ports.clock import Clock
from memoryos_ports.documents import DocumentStore
from memoryos_ports.due import DueSet
from memoryos_ports.embedding import Embedder
from memoryos_ports.events import EventLog
from memoryos_ports.locks import Locks
from memoryos_ports.memory import MemoryStorage
from memoryos_ports.short_term import ShortTermStore


class Stores(msgspec.Struct, frozen=True, kw_only=True):
    """One open adapter of every port that memory needs. `are_shared`: other processes may use the same stores."""

    clock: Clock
    events: EventLog
    short_term: ShortTermStore
    documents: DocumentStore
    due: DueSet
    storage: MemoryStorage
    embedder: Embedder
    locks: Locks
    are_shared: bool = True
