"""What an export tells without what this gateway redacts: it may come from one that redacts nothing."""

from typing import assert_never

import msgspec

from memoryos_core.safety.redaction import Redactor
from memoryos_core.transfer.lines import HistoryLine, NoteLine, ProfileLine
from memoryos_ports.knowledge import Fact, Segment
from memoryos_ports.memory import Memory, Page


def redacted_memory(memory: Memory, redactor: Redactor) -> Memory:
    """Return a memory as it may be kept here."""
    match memory:
        case Page():
            return redactor.redact_fields(memory, "text", "name")
        case Fact():
            return redactor.redact_fields(memory, "text", "value", "speaker")
        case Segment():
            return redactor.redact_fields(memory, "text", "keywords")
        case _ as never:
            assert_never(never)


def redacted_note(line: NoteLine, redactor: Redactor) -> NoteLine:
    """Return a line that is no memory as it may be kept here: a history and a profile quote."""
    match line:
        case HistoryLine():
            changes = [redactor.redact_fields(change, "old", "new") for change in line.changes]
            return msgspec.structs.replace(line, changes=changes)
        case ProfileLine():
            entries = tuple(entry.redacted(redactor) for entry in line.profile.entries)
            return msgspec.structs.replace(line, profile=msgspec.structs.replace(line.profile, entries=entries))
        case _:
            return line
