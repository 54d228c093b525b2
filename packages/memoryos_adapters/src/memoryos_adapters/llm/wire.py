"""JSON as a provider sends it, decoded into the structs of its dialect."""

from typing import TypeVar

import msgspec

from memoryos_ports.errors import UpstreamProtocolError

_T = TypeVar("_T")


def decode_wire(decoder: msgspec.json.Decoder[_T], data: bytes, *, upstream: str) -> _T:
    """Decode JSON that a provider sent. Raises UpstreamProtocolError when it is not what `decoder` expects."""
    try:
        if not data.isascii():
            data.decode()  # msgspec skips unread fields unseen, and they are passed on
        return decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as exc:
        raise UpstreamProtocolError(upstream=upstream, detail="the answer is not valid JSON of this dialect") from exc
