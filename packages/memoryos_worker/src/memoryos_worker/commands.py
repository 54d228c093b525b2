"""The commands that look at the stream and its dead letters, each over the open stream alone."""

import argparse

import msgspec

from memoryos_adapters.profiles.server import open_stream
from memoryos_adapters.settings import Settings
from memoryos_ports.dead_letters import DeadLetters
from memoryos_ports.events import EventLog
from memoryos_worker.dead_letters import change_letters, find_letters, list_letters
from memoryos_worker.report import letters_as_json, letters_as_table, stats_as_json, stats_as_table


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a command prints, and whether it did all that was asked."""

    text: str
    ok: bool = True


async def run_command(settings: Settings, arguments: argparse.Namespace) -> Answer:
    """Open the stream, and do what `stats` or `dlq` was asked for.

    Raises NotFound for an id of no dead letter, before anything is changed.
    """
    async with open_stream(settings) as stream:
        if arguments.command == "stats":
            return await show_stats(stream.events, arguments)
        if arguments.action == "list":
            return await show_letters(stream.dead_letters, arguments)
        return await change(stream.dead_letters, arguments)


async def show_stats(events: EventLog, arguments: argparse.Namespace) -> Answer:
    """Tell how the queue stands."""
    stats = await events.stats()
    return Answer(text=stats_as_json(stats) if arguments.json else stats_as_table(stats))


async def show_letters(store: DeadLetters, arguments: argparse.Namespace) -> Answer:
    """List dead letters."""
    letters = await list_letters(store, count=arguments.count)
    return Answer(text=letters_as_json(letters) if arguments.json else letters_as_table(letters))


async def change(store: DeadLetters, arguments: argparse.Namespace) -> Answer:
    """Replay or drop dead letters, or say which they would be."""
    letters = await find_letters(store, arguments.ids, count=arguments.count)
    if arguments.dry_run:
        return Answer(text=f"{letters_as_table(letters)}\nwould {arguments.action} {_counted(len(letters))}")
    act, done = (store.replay, "replayed") if arguments.action == "replay" else (store.drop, "dropped")
    changed = await change_letters(act, letters)
    if changed < len(letters):
        rest = "the others are gone or cannot be put back"
        return Answer(text=f"{done} {changed} of {_counted(len(letters))}: {rest}", ok=False)
    return Answer(text=f"{done} {_counted(changed)}")


def _counted(letters: int) -> str:
    return f"{letters} dead letter{'' if letters == 1 else 's'}"
