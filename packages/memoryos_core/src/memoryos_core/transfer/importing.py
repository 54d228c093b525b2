"""Taking in what an export told: line by line, in batches, and twice is the same as once."""

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from memoryos_core.consolidation.locks import ScopeLocks
from memoryos_core.lifecycle.gate import ScopeGate
from memoryos_core.lifecycle.preferences import Preferences, UserSettings
from memoryos_core.lifecycle.refusals import Refusals, Span
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.safety.redaction import Redactor
from memoryos_core.transfer.batch import Batch, BatchWriter
from memoryos_core.transfer.checking import checked_memory
from memoryos_core.transfer.identity import Names
from memoryos_core.transfer.lines import (
    FORMAT_VERSION,
    MAX_LINE_BYTES,
    ConversationLine,
    DeletedLine,
    Header,
    HistoryLine,
    MemoryLine,
    NoteLine,
    ProfileLine,
    SettingsLine,
    decode_line,
)
from memoryos_core.transfer.notes import NoteWriter
from memoryos_core.transfer.redacting import redacted_memory, redacted_note
from memoryos_core.transfer.splitting import split_lines
from memoryos_ports.clock import Clock
from memoryos_ports.errors import InvalidInput
from memoryos_ports.ids import Scope, TenantId, UserId

FAULTS_TOLD = 100


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What was wrong with a line, counted from 1."""

    line: int
    message: str


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did: how many of each kind are new, how many were there already, and the lines that are wrong.

    `faults` tells the first hundred of them, `faulty` counts all.
    """

    added: dict[str, int]
    known: int
    faulty: int
    faults: list[Fault]


class Importer:
    """Brings what an export told back to its user, or to another one under ids of their own."""

    def __init__(
        self,
        *,
        batches: BatchWriter,
        notes: NoteWriter,
        preferences: Preferences,
        refusals: Refusals,
        gate: ScopeGate,
        locks: ScopeLocks,
        clock: Clock,
        rules: SensitiveRules | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        self._batches = batches
        self._notes = notes
        self._preferences = preferences
        self._refusals = refusals
        self._gate = gate
        self._locks = locks
        self._clock = clock
        self._rules = rules or SensitiveRules()
        self._redactor = redactor or Redactor()

    async def take_in(self, scope: Scope, stream: AsyncIterable[bytes]) -> ImportReport:
        """Take in a stream of lines; what is right is kept, what is wrong is told.

        Raises RememberOff when the user wants nothing remembered, InvalidInput when the first line is no header of
        this format, Conflict when the user is erased meanwhile.
        """
        await self._preferences.require_remembering(scope)
        lines = split_lines(stream, max_bytes=MAX_LINE_BYTES)
        names = await _names(lines, scope)
        run = _Run(names, began=await self._refusals.erasure(scope))
        async for number, line in lines:
            try:
                await self._take_line(run, scope, line)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InvalidInput) as exc:
                run.fault(number, str(exc) or type(exc).__name__)
        await self._flush(run, scope)
        async with self._writing(run, scope):
            await self._batches.finish(scope, run.batch)
        if run.remember is not None:
            await self._preferences.put(scope, UserSettings(remember=run.remember))
        return run.report()

    async def _take_line(self, run: "_Run", scope: Scope, line: bytes | None) -> None:
        if line is None:
            raise InvalidInput(f"the line is over {MAX_LINE_BYTES} bytes")
        decoded = decode_line(line, scope)
        if isinstance(decoded, MemoryLine):
            memory = redacted_memory(checked_memory(run.names.renamed(decoded), self._rules), self._redactor)
            if run.batch.is_full_for(memory):
                await self._flush(run, scope)
            run.batch.add(memory)
            return
        await self._flush(run, scope)
        await self._take_note(run, scope, redacted_note(decoded, self._redactor))

    async def _take_note(self, run: "_Run", scope: Scope, line: NoteLine) -> None:
        match line:
            case Header():
                raise InvalidInput("a header in the middle")
            case SettingsLine():
                run.remember = line.remember
            case HistoryLine() | DeletedLine() | ConversationLine() | ProfileLine():
                async with self._writing(run, scope):
                    run.count(line.__struct_config__.tag, await self._notes.write(scope, line, run.names))

    async def _flush(self, run: "_Run", scope: Scope) -> None:
        if run.batch.is_empty:
            return
        ready = await self._batches.ready(scope, run.batch)
        async with self._writing(run, scope):
            for kind, is_new in await self._batches.write(scope, run.batch, ready):
                run.count(kind, is_new)

    @asynccontextmanager
    async def _writing(self, run: "_Run", scope: Scope) -> AsyncIterator[None]:
        """Keep an erasure out, in this process and in others. Raises Conflict when there was one since it began."""
        async with self._gate.writing(scope), self._locks.of(scope):
            await self._refusals.require_same(scope, run.began)
            yield


class _Run:
    """One import under way."""

    def __init__(self, names: Names, *, began: Span | None) -> None:
        self.names = names
        self.began = began
        self.batch = Batch()
        self.remember: bool | None = None
        self._added: dict[str, int] = {}
        self._known = 0
        self._faulty = 0
        self._faults: list[Fault] = []

    def count(self, kind: object, is_new: bool) -> None:
        """Count a line that was taken in, or that brought nothing new."""
        if is_new:
            self._added[str(kind)] = self._added.get(str(kind), 0) + 1
        else:
            self._known += 1

    def fault(self, number: int, message: str) -> None:
        """Note a line that is wrong."""
        self._faulty += 1
        if len(self._faults) < FAULTS_TOLD:
            self._faults.append(Fault(line=number, message=message))

    def report(self) -> ImportReport:
        """Return what was done."""
        return ImportReport(added=self._added, known=self._known, faulty=self._faulty, faults=self._faults)


async def _names(lines: AsyncIterator[tuple[int, bytes | None]], scope: Scope) -> Names:
    async for _, line in lines:
        header = _header(line, scope)
        origin = Scope(tenant_id=TenantId(header.tenant_id), user_id=UserId(header.user_id))
        return Names(origin=origin, target=scope)
    raise InvalidInput("there is nothing to import: the first line must be the header of an export", param="body")


def _header(line: bytes | None, scope: Scope) -> Header:
    try:
        header = decode_line(line or b"", scope)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise InvalidInput(f"line 1 must be the header of an export: {exc}", param="body") from exc
    if not isinstance(header, Header):
        raise InvalidInput("line 1 must be the header of an export", param="body")
    if header.version != FORMAT_VERSION:
        raise InvalidInput(f"format version {header.version} is not read here, only {FORMAT_VERSION}", param="body")
    return header
