"""The container of open adapters: typed slots, one per port, for the containers of the processes to build on."""

from collections.abc import Mapping
from typing import Any

from dependency_injector import containers, providers
from dependency_injector.errors import Error

from memoryos_adapters.profiles.adapters import Adapters
from memoryos_adapters.settings import Settings
from memoryos_ports.clock import Clock
from memoryos_ports.dead_letters import DeadLetters
from memoryos_ports.documents import DocumentStore
from memoryos_ports.due import DueSet
from memoryos_ports.embedding import Embedder
from memoryos_ports.errors import ConfigurationError
from memoryos_ports.events import EventLog
from memoryos_ports.faq import FaqMemory
from memoryos_ports.locks import Locks
from memoryos_ports.memory import MemoryStorage
from memoryos_ports.outbox import Outbox
from memoryos_ports.short_term import ShortTermStore


class AdapterContainer(containers.DeclarativeContainer):
    """Slots for what is opened before anything is wired; each checks that it is given its port."""

    settings = providers.Dependency(instance_of=Settings)
    clock = providers.Dependency(instance_of=Clock)  # type: ignore[type-abstract]
    short_term = providers.Dependency(instance_of=ShortTermStore)  # type: ignore[type-abstract]
    events = providers.Dependency(instance_of=EventLog)  # type: ignore[type-abstract]
    dead_letters = providers.Dependency(instance_of=DeadLetters)  # type: ignore[type-abstract]
    outbox = providers.Dependency(instance_of=Outbox)  # type: ignore[type-abstract]
    documents = providers.Dependency(instance_of=DocumentStore)  # type: ignore[type-abstract]
    due = providers.Dependency(instance_of=DueSet)  # type: ignore[type-abstract]
    locks = providers.Dependency(instance_of=Locks)  # type: ignore[type-abstract]
    faq = providers.Dependency(instance_of=FaqMemory)  # type: ignore[type-abstract]
    storage = providers.Dependency(instance_of=MemoryStorage)  # type: ignore[type-abstract]
    embedder = providers.Dependency(instance_of=Embedder)  # type: ignore[type-abstract]
    llms = providers.Dependency(instance_of=tuple)
    probes = providers.Dependency(instance_of=Mapping)  # type: ignore[type-abstract]


def slots(settings: Settings, adapters: Adapters) -> dict[str, Any]:
    """Return the values of an AdapterContainer's slots, as its constructor takes them."""
    return {"settings": settings, **{name: getattr(adapters, name) for name in adapters.__struct_fields__}}


def resolve_all(container: containers.Container) -> None:
    """Build everything now, so that a wrong wiring stops start-up rather than the first request.

    Raises ConfigurationError that names what is missing or of the wrong type.
    """
    faults: list[str] = []
    for name, provider in container.providers.items():
        try:
            provider()
        except (Error, TypeError) as exc:
            faults.append(f"wiring of {name}: {exc}")
    if faults:
        raise ConfigurationError(faults)
