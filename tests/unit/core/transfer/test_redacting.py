"""What comes from a gateway that redacts nothing is redacted before it is kept, of whatever kind it is."""

import msgspec
import pytest

from memoryos_core.consolidation.profile import Profile, ProfileEntry
from memoryos_core.lifecycle.history import MemoryChange
from memoryos_core.safety.redaction import Redactor
from memoryos_core.transfer.lines import HistoryLine, NoteLine, ProfileLine, SettingsLine
from memoryos_core.transfer.redacting import redacted_memory, redacted_note
from memoryos_ports.ids import MemoryId, segment_id
from memoryos_ports.knowledge import Segment
from memoryos_ports.memory import Memory
from tests.support.makers import ANA, NOON, make_fact, make_page

MAIL = "ana@example.org"
REDACTOR = Redactor(("email",))

MEMORIES: list[Memory] = [
    make_page(f"to {MAIL}", name=MAIL),
    make_fact(f"to {MAIL}", value=MAIL, speaker=MAIL),
    Segment(
        id=segment_id(ANA, MemoryId("p")),
        scope=ANA,
        text=f"to {MAIL}",
        keywords=("mail", MAIL),
        timestamp=NOON,
        started_at=NOON,
        accepted_at=NOON,
        last_visit=NOON,
    ),
]
NOTES: list[NoteLine] = [
    HistoryLine(id=MemoryId("m"), changes=[MemoryChange(change="UPDATE", actor="api", time=NOON, old=MAIL, new=MAIL)]),
    ProfileLine(
        profile=Profile(entries=(ProfileEntry(slot="mail", value=MAIL, text=MAIL, speaker=MAIL, updated_at=NOON),))
    ),
]


def told(line: msgspec.Struct) -> str:
    return msgspec.json.encode(line).decode()


@pytest.mark.parametrize("memory", MEMORIES, ids=lambda memory: type(memory).__name__)
def test_every_text_of_a_memory_is_redacted_and_nothing_else(memory: Memory) -> None:
    assert told(redacted_memory(memory, REDACTOR)) == told(memory).replace(MAIL, "[email]")


@pytest.mark.parametrize("line", NOTES, ids=lambda line: type(line).__name__)
def test_what_a_line_quotes_is_redacted(line: NoteLine) -> None:
    assert told(redacted_note(line, REDACTOR)) == told(line).replace(MAIL, "[email]")


def test_without_rules_and_without_texts_a_line_is_the_same() -> None:
    for line in (SettingsLine(remember=False), *NOTES):
        assert redacted_note(line, Redactor()) == line
    assert [redacted_memory(memory, Redactor()) for memory in MEMORIES] == MEMORIES
