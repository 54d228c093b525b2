"""Precision and recall of the extraction rules on a file of labelled turns: ``python -m benchmarks.quality.facts``.

The file is a JSON list of turns: `id`, `language`, `text`, optional `role` and `name`, and `facts`: the statements that
somebody who reads the turn carefully would note, each with `slot`, `value`, and where it differs `subject` and `ended`.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import msgspec

from memoryos_core.extraction.extract import extract_statements
from memoryos_core.extraction.words import normalise
from memoryos_ports.ids import EventId, MemoryId, Scope, TenantId, UserId
from memoryos_ports.knowledge import FactSubject
from memoryos_ports.memory import Page

DATA = Path(__file__).parent / "data" / "facts.json"

_SCOPE = Scope(tenant_id=TenantId("eval"), user_id=UserId("eval"))
_NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

Found: TypeAlias = tuple[str, str, str, bool]
"""Subject, slot, normalised value, ended."""


class GoldFact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A statement as it was labelled."""

    slot: str
    value: str
    subject: FactSubject = "user"
    ended: bool = False


class LabelledTurn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A turn and what it states."""

    id: str
    language: str
    text: str
    facts: tuple[GoldFact, ...]
    role: str = "user"
    name: str | None = None


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of a group of statements."""

    right: int
    found: int
    gold: int

    @property
    def precision(self) -> float:
        """The share of what was found that is right; 1 when nothing was."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """The share of what is there that was found; 1 when nothing is."""
        return self.right / self.gold if self.gold else 1.0


def read_turns(path: Path = DATA) -> list[LabelledTurn]:
    """Return the labelled turns of a file; raises msgspec.ValidationError for another format."""
    return msgspec.json.decode(path.read_bytes(), type=list[LabelledTurn])


def found_in(turn: LabelledTurn) -> set[Found]:
    """Return what the rules find in a turn."""
    page = Page(
        id=MemoryId(turn.id),
        scope=_SCOPE,
        event_id=EventId(turn.id),
        index=0,
        role=turn.role,
        name=turn.name,
        text=turn.text,
        timestamp=_NOON,
        accepted_at=_NOON,
        content_hash="",
    )
    return {(s.subject, s.slot or "", normalise(s.value), s.ended) for s in extract_statements(page)}


def gold_of(turn: LabelledTurn) -> set[Found]:
    """Return what the labels say of a turn."""
    return {(fact.subject, fact.slot, normalise(fact.value), fact.ended) for fact in turn.facts}


def score(turns: Iterable[LabelledTurn], *, by: Callable[[LabelledTurn, Found], str]) -> dict[str, Score]:
    """Return the scores of the groups that `by` makes of the statements."""
    right, found, gold = Counter[str](), Counter[str](), Counter[str]()
    for turn in turns:
        extracted, labelled = found_in(turn), gold_of(turn)
        found.update(by(turn, item) for item in extracted)
        gold.update(by(turn, item) for item in labelled)
        right.update(by(turn, item) for item in extracted & labelled)
    return {key: Score(right=right[key], found=found[key], gold=gold[key]) for key in sorted(found | gold)}


def differences(turns: Iterable[LabelledTurn]) -> list[str]:
    """Return a line for each statement that is wrong (+) or was missed (-)."""
    lines = []
    for turn in turns:
        extracted, labelled = found_in(turn), gold_of(turn)
        lines += [f"+ {turn.id} {item} {turn.text}" for item in sorted(extracted - labelled)]
        lines += [f"- {turn.id} {item} {turn.text}" for item in sorted(labelled - extracted)]
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the tables, and with ``--differences`` every statement that is wrong or missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path, nargs="?", default=DATA)
    parser.add_argument("--differences", action="store_true")
    options = parser.parse_args(arguments)
    turns = read_turns(options.file)
    write = sys.stdout.write
    write(f"{len(turns)} turns, {sum(not turn.facts for turn in turns)} of them without a fact\n")
    for title, by in _GROUPS.items():
        write(f"\n{title:<24}precision  recall  right/found/gold\n")
        for key, counts in score(turns, by=by).items():
            figures = f"{counts.precision:9.2f}{counts.recall:8.2f}  {counts.right}/{counts.found}/{counts.gold}"
            write(f"{key:<24}{figures}\n")
    if options.differences:
        write("\n" + "\n".join(differences(turns)) + "\n")


_GROUPS: dict[str, Callable[[LabelledTurn, Found], str]] = {
    "all": lambda _, __: "all",
    "language": lambda turn, _: turn.language,
    "slot": lambda _, item: item[1].partition(":")[0],
}


if __name__ == "__main__":
    main()
