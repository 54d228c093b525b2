"""A connection to a Redis: connected when it is used, closed when something went wrong on it."""

from typing import Final

from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError, InvalidResponse

BROKEN: Final = (ConnectionError, OSError)
"""What a connection that is broken, or cannot be made, raises."""

STUMBLES: Final = (TypeError, ValueError, AttributeError, LookupError)
"""What the client library raises, beside its own errors, for answers that it did not expect."""


def no_retry() -> Retry:
    """Return the policy of an error that comes out at once: who calls knows better what to do about it."""
    return Retry(NoBackoff(), 0)


async def refresh(connection: Connection) -> None:
    """Connect what is not, or not any more."""
    is_spoilt = connection.should_reconnect()  # type: ignore[no-untyped-call]  # so is redis-py
    if connection.is_connected and (is_spoilt or await connection.can_read()):
        await connection.disconnect(nowait=True)
    await connection.connect()  # type: ignore[no-untyped-call]  # so is redis-py


async def close_after(connection: Connection, exc: BaseException) -> None:
    """Close a connection: what was not read would be taken for the next command's answer.

    Raises InvalidResponse when it was something that the client library stumbled over.
    """
    await connection.disconnect(nowait=True)
    if isinstance(exc, STUMBLES):
        raise InvalidResponse(f"{type(exc).__name__}: {exc}") from exc
