"""The ids of tool calls: in Anthropic's letters, and no two the same in a conversation (AN6, AN7)."""

import re
from collections.abc import Sequence

from memoryos_ports.errors import InvalidInput
from memoryos_ports.llm import ToolCall

_NOT_IN_AN_ID = re.compile(r"[^a-zA-Z0-9_-]")


class CallIds:
    """Gives each call an id and finds it again for the result; every call has one result, and every result its call.

    The ids of some providers begin anew with each answer (``functions.look_up:0``), and Anthropic refuses one that it
    has seen before: later ones are numbered. It depends on what came before alone, so that prompts stay cached.
    """

    def __init__(self) -> None:
        self._given: set[str] = set()
        self._open: dict[str | None, str] = {}
        self._asked_at = ""

    def ask(self, calls: Sequence[ToolCall], path: str) -> list[str]:
        """Return the ids for the calls of one answer.

        Raises InvalidInput for two calls of one id, and when a call of an earlier answer has no result.
        """
        self.end()
        self._asked_at = path
        for place, call in enumerate(calls):
            if call.id in self._open:
                param = f"{path}[{place}].id"
                raise InvalidInput(f"{param}: another call of this answer has the same", param=param)
            self._open[call.id] = self._give(call.id)
        return list(self._open.values())

    def answer(self, call_id: str | None, path: str) -> str:
        """Return the id of the call that a result is for. Raises InvalidInput when there is none."""
        given = self._open.pop(call_id, None)
        if given is None:
            raise InvalidInput(f"{path}: no call of this id is open in the answer before", param=path)
        return given

    def end(self) -> None:
        """Check that nothing is left to be answered. Raises InvalidInput when a call has no result."""
        if self._open:
            path = self._asked_at
            raise InvalidInput(f"{path}: a call has no result in the messages after it", param=path)

    def _give(self, call_id: str) -> str:
        fitting = given = _NOT_IN_AN_ID.sub("_", call_id)
        number = 1
        while given in self._given:
            number += 1
            given = f"{fitting}_{number}"
        self._given.add(given)
        return given
