"""Whether what a line holds may be kept: the limits of every other door, and no orders to a model."""

import msgspec

from memoryos_core.lifecycle.quarantine import rule_against
from memoryos_core.memory.limits import checked_content, checked_metadata, checked_moment, checked_name, checked_text
from memoryos_core.routing.sensitive import SensitiveRules
from memoryos_core.safety.suspicion import find_instructions
from memoryos_ports.errors import InvalidInput
from memoryos_ports.ids import check_id
from memoryos_ports.knowledge import Fact, Segment
from memoryos_ports.memory import Memory, Page

_ROLES = ("user", "assistant")
_MAX_INDEX = 2**31
_MAX_HASH_CHARS = 128


def checked_memory(memory: Memory, rules: SensitiveRules) -> Memory:
    """Return a memory as it may be kept: a page that looks like an attack is held back.

    Raises InvalidInput that names the field; also for what is learnt and looks like one, which has no quarantine.
    """
    for param, value in (("session_id", memory.session_id), ("agent_id", memory.agent_id)):
        if value is not None:
            check_id(value, param=param)
    sensitive = memory.sensitive or rules.match(memory.text)
    match memory:
        case Page():
            return _checked_page(memory, sensitive)
        case Fact():
            _refuse_orders(checked_text(memory.text, "text"), memory.value, checked_name(memory.speaker, "speaker"))
            _check_share(memory.trust, "trust")
            _check_share(memory.confidence, "confidence")
        case Segment():
            _refuse_orders(checked_text(memory.text, "text") if memory.text else "", " ".join(memory.keywords))
    return msgspec.structs.replace(memory, sensitive=sensitive)


def _checked_page(page: Page, sensitive: bool) -> Page:
    check_id(page.event_id, param="event_id")
    if page.role not in _ROLES:
        raise InvalidInput("role must be user or assistant", param="role")
    if not 0 <= page.index < _MAX_INDEX:
        raise InvalidInput("index is out of range", param="index")
    if len(page.content_hash) > _MAX_HASH_CHARS:
        raise InvalidInput("content_hash is too long", param="content_hash")
    page = msgspec.structs.replace(page, text=checked_content(page.text, "text"))
    checked_name(page.name, "name")
    return msgspec.structs.replace(
        page,
        metadata=checked_metadata(page.metadata),
        timestamp=checked_moment(page.timestamp, "timestamp"),
        accepted_at=checked_moment(page.accepted_at, "accepted_at"),
        sensitive=sensitive,
        quarantined=page.quarantined or rule_against(page) is not None,
    )


def _refuse_orders(*texts: str | None) -> None:
    for text in texts:
        if text and (rule := find_instructions(text)) is not None:
            raise InvalidInput(f"it looks like an instruction to a model ({rule})", param="text")


def _check_share(value: float, param: str) -> None:
    if not 0 <= value <= 1:
        raise InvalidInput(f"{param} must be 0..1", param=param)
