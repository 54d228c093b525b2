"""The fields of a JSON body, decoded one by one, so that what nobody here reads stays as it came."""

from typing import TypeVar

import msgspec

from memoryos_gateway.bad_json import describe_misfit
from memoryos_gateway.strict_json import decode_strictly
from memoryos_ports.errors import InvalidInput

_T = TypeVar("_T")

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text = msgspec.json.Decoder(str)


def decode_object(body: bytes) -> dict[str, msgspec.Raw]:
    """Return the fields of a body, undecoded. Raises InvalidInput when it is no JSON object."""
    try:
        return decode_strictly(_fields, body)
    except msgspec.ValidationError as exc:
        raise InvalidInput("The body of your request must be a JSON object.") from exc


def required_text(fields: dict[str, msgspec.Raw], name: str) -> str:
    """Return a text that must be there and must not be empty. Raises InvalidInput."""
    if name not in fields:
        raise missing(name)
    text = decode_field(_text, fields[name], name)
    if not text:
        raise InvalidInput(f"{name} must not be empty", param=name)
    return text


def missing(name: str) -> InvalidInput:
    """Return the error for a field that is not there."""
    return InvalidInput(f"Missing required parameter: '{name}'.", param=name, code="missing_required_parameter")


def decode_field(decoder: msgspec.json.Decoder[_T], raw: msgspec.Raw | None, path: str) -> _T | None:
    """Return a field's value, None when it is absent. Raises InvalidInput that names its path."""
    if raw is None:
        return None
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as exc:
        raise describe_misfit(exc, path) from exc
    except msgspec.DecodeError as exc:
        raise InvalidInput(f"{path}: not valid JSON text ({exc})", param=path) from exc
