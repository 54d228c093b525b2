"""What goes wrong with Redis, in errors of our tree."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from redis.exceptions import AuthenticationError, InvalidResponse, NoPermissionError, RedisClusterException, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from memoryos_ports.errors import StorageFull, UpstreamProtocolError, UpstreamTimeout, UpstreamUnavailable

UPSTREAM: Final = "redis"

# the code of an error, which inside a script's error stands in the middle of Redis 6.2's text
_CODE: Final = re.compile(
    r"(?:^|-)(READONLY|OOM|LOADING|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|MISCONF|TRYAGAIN|ASK|NOAUTH|NOPERM|BUSY)\b"
)
_NOT_ALLOWED: Final = ("The user executing the script can't run", "ACL failure in script")  # of Redis 6.2, of 7


@contextmanager
def redis_errors() -> Iterator[None]:
    """Translate the client library's errors into ours."""
    try:
        yield
    except (TimeoutError, RedisTimeoutError) as exc:
        raise UpstreamTimeout(upstream=UPSTREAM, detail=str(exc)) from exc
    except AuthenticationError as exc:
        detail = f"{exc} (the user stands in storage.redis.url, the password there or in storage.redis.password)"
        raise UpstreamUnavailable(upstream=UPSTREAM, detail=detail) from exc
    except (RedisConnectionError, RedisClusterException, OSError) as exc:
        raise UpstreamUnavailable(upstream=UPSTREAM, detail=str(exc)) from exc
    except InvalidResponse as exc:
        detail = f"what is at storage.redis.url, or is a sentinel, does not answer as Redis does: {exc}"
        raise UpstreamProtocolError(upstream=UPSTREAM, detail=detail) from exc
    except RedisError as exc:
        match code_of(exc):
            case None:
                raise UpstreamProtocolError(upstream=UPSTREAM, detail=str(exc)) from exc
            case "OOM":
                raise StorageFull(UPSTREAM) from exc
            case _:
                raise UpstreamUnavailable(upstream=UPSTREAM, detail=str(exc)) from exc


def code_of(answer: Any) -> str | None:
    """Return the code of an error that is none of a command, but of the server's state; None for all else."""
    if not isinstance(answer, RedisError):
        return None
    if isinstance(answer, NoPermissionError) or any(words in str(answer) for words in _NOT_ALLOWED):
        return "NOPERM"
    found = _CODE.search(f"{answer.status_code or ''} {answer}".lstrip())
    return found[1] if found else None
