"""The adapter container: every slot is checked for its port, and a wrong wiring stops start-up."""

from pathlib import Path

import pytest
from dependency_injector import providers

from memoryos_adapters.container import AdapterContainer, resolve_all, slots
from memoryos_adapters.profiles.adapters import Adapters
from memoryos_adapters.registry import open_adapters
from memoryos_adapters.settings import Settings, StorageSettings
from memoryos_ports.errors import ConfigurationError

NOOP = Settings(storage=StorageSettings(profile="noop"))
SLOTS = (*Adapters.__struct_fields__, "settings")


async def _filled_slots(tmp_path: Path) -> dict[str, object]:
    async with open_adapters(NOOP, database=tmp_path / "db", index=tmp_path / "index") as adapters:
        return slots(NOOP, adapters)


def test_there_is_one_slot_for_each_adapter_and_the_settings() -> None:
    assert set(AdapterContainer.providers) == set(SLOTS)


async def test_a_filled_container_gives_what_it_was_given(tmp_path: Path) -> None:
    filled = await _filled_slots(tmp_path)

    container = AdapterContainer(**filled)
    resolve_all(container)

    assert {name: provider() for name, provider in container.providers.items()} == filled


@pytest.mark.parametrize("slot", SLOTS)
async def test_a_missing_slot_is_named(tmp_path: Path, slot: str) -> None:
    filled = await _filled_slots(tmp_path)
    del filled[slot]

    with pytest.raises(ConfigurationError) as caught:
        resolve_all(AdapterContainer(**filled))

    (fault,) = caught.value.faults
    assert fault.startswith(f"wiring of {slot}: ")


@pytest.mark.parametrize("slot", SLOTS)
async def test_a_slot_of_the_wrong_type_is_named(tmp_path: Path, slot: str) -> None:
    filled = await _filled_slots(tmp_path)

    with pytest.raises(ConfigurationError) as caught:
        resolve_all(AdapterContainer(**{**filled, slot: object()}))

    (fault,) = caught.value.faults
    assert fault.startswith(f"wiring of {slot}: ")


async def test_all_faults_are_told_together(tmp_path: Path) -> None:
    filled = await _filled_slots(tmp_path)

    with pytest.raises(ConfigurationError) as caught:
        resolve_all(AdapterContainer(**{**filled, "events": object(), "storage": providers.Object(7)}))

    assert [fault.split(":")[0] for fault in caught.value.faults] == ["wiring of events", "wiring of storage"]
