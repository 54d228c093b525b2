"""The one error tree of MemoryOS; every class says whether trying the same thing again can help.

::

    MemoryOSError
    ├── InvalidInput               the caller's words are wrong: names the field              not retryable
    ├── LocalModelRequired         sensitive content, and no local model may answer           not retryable
    ├── Unauthenticated            no key, or a key nobody issued                             not retryable
    ├── PermissionDenied           a valid key that may not do this                           not retryable
    │   └── RememberOff            the user has switched remembering off                      not retryable
    ├── NotFound                   no such thing in this scope                                not retryable
    │   └── ModelNotFound          no such model for this key                                 not retryable
    ├── Conflict                   clashes with what is stored                                not retryable
    │   ├── EventIdReused          an event_id came again with other content                  not retryable
    │   └── VersionConflict        a document changed since it was read                       not retryable
    ├── MemoryDisabled             the noop profile keeps nothing, so a write is refused      not retryable
    ├── ConfigurationError         the configuration is wrong: lists every fault              not retryable
    ├── EmbedderMismatch           the index was built by another embedder                    not retryable
    │   └── ForeignIndex           what lies in the index's place is not ours                 not retryable
    ├── InvalidEvent               a queued event that can never be applied                   not retryable
    ├── Overloaded                 a bounded queue or pool is full                            retryable
    ├── StorageFull                the disk is full; nothing was stored                       retryable
    └── UpstreamError              something outside did not do what was asked
        ├── UpstreamUnavailable    refused, reset, shut, disconnected                         retryable
        │   └── CoolingDown            failed too often lately; not asked until it has rested     retryable
        ├── UpstreamTimeout        no answer in time                                          retryable
        ├── UpstreamProtocolError  an answer that is not what the protocol allows             retryable
        ├── StreamCut              a stream that ended before its end was said                not retryable
        ├── RateLimited            asked to slow down; may say for how long                   retryable
        ├── QuotaExhausted         no credit left; waiting does not help                      not retryable
        ├── UpstreamAuthError      our credentials were refused                               not retryable
        └── UpstreamRejected       the request itself was refused (4xx), reason attached      not retryable

Errors carry facts; their text is made from these facts and never holds a key, a prompt or a memory.
"""

from collections.abc import Sequence
from typing import ClassVar


class MemoryOSError(Exception):
    """Base of every error that crosses a port.

    `tries` is the number of calls to providers that a request took before it failed so, where somebody counted.
    """

    retryable: ClassVar[bool] = False
    tries: int = 0


class InvalidInput(MemoryOSError):
    """The caller's input is wrong. `param` is the path of the field, `code` a stable word for programs."""

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message, self.param, self.code = message, param, code


class LocalModelRequired(MemoryOSError):
    """The conversation holds what the operator keeps on local models, and none may answer this request.

    What was found is not told.
    """

    def __init__(self, model: str) -> None:
        super().__init__(
            f"This conversation holds content that only local models may see, and no local model serves `{model}`."
        )
        self.model = model


class Unauthenticated(MemoryOSError):
    """No credential was given, or one that nobody issued."""

    def __init__(self, message: str = "Incorrect API key provided.") -> None:
        super().__init__(message)


class PermissionDenied(MemoryOSError):
    """The credential is valid and may not do this."""

    def __init__(self, message: str, *, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class RememberOff(PermissionDenied):
    """The user has asked not to be remembered, so a write is refused."""

    def __init__(self) -> None:
        super().__init__("this user has switched remembering off", param="user_id")


class NotFound(MemoryOSError):
    """There is no such thing in the caller's scope; whether it exists elsewhere is not told."""

    def __init__(self, what: str, identifier: str) -> None:
        super().__init__(f"no {what} with id {identifier!r}")
        self.what, self.identifier = what, identifier


class ModelNotFound(NotFound):
    """The model does not exist, or the key has no right to it: the same text for both."""

    def __init__(self, model: str) -> None:
        super().__init__("model", model)
        self.args = (f"The model `{model}` does not exist or you do not have access to it.",)


class Conflict(MemoryOSError):
    """The request clashes with what is stored."""


class EventIdReused(Conflict):
    """An event_id came a second time with other content; the first stays."""

    def __init__(self, event_id: str) -> None:
        super().__init__(f"event_id {event_id!r} was already used with other content")
        self.event_id = event_id


class VersionConflict(Conflict):
    """A document was changed by somebody else since it was read."""

    def __init__(self, *, kind: str, identifier: str, expected: int, found: int) -> None:
        super().__init__(f"{kind} {identifier!r} is at version {found}, not {expected}")
        self.kind, self.identifier, self.expected, self.found = kind, identifier, expected, found


class MemoryDisabled(MemoryOSError):
    """The noop profile keeps nothing: a write is refused rather than swallowed."""

    def __init__(self) -> None:
        super().__init__("memory is disabled: the storage profile is noop")


class ConfigurationError(MemoryOSError):
    """The configuration is wrong. `faults` lists all of them, each as ``key.path: what is wrong``."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class EmbedderMismatch(MemoryOSError):
    """The index holds vectors of another embedder; mixing them would make recall silently wrong."""

    def __init__(self, *, stored: str, configured: str) -> None:
        super().__init__(
            f"the memory index was built with embedder {stored}, configured is {configured} (embedding.kind): "
            "configure the first again, or build the index anew, with `memoryos-gateway reembed` or, on the server "
            "profile, by export and import into another storage.qdrant.collection (docs/how-to/cluster.md)"
        )
        self.stored, self.configured = stored, configured


class ForeignIndex(EmbedderMismatch):
    """What lies where the index should be was made by somebody else: whose vectors it holds is not known."""

    def __init__(self, name: str, *, setting: str) -> None:
        MemoryOSError.__init__(self, f"{setting}: {name!r} was not made by MemoryOS: choose a name that is free")


class InvalidEvent(MemoryOSError):
    """A queued event that can never be applied: not parseable, of an unknown version, or not valid."""


class Overloaded(MemoryOSError):
    """A bounded queue or pool is full; nothing was taken in."""

    retryable = True

    def __init__(self, what: str, *, retry_after_s: float = 1.0) -> None:
        super().__init__(f"{what} is full")
        self.what, self.retry_after_s = what, retry_after_s


class StorageFull(MemoryOSError):
    """The disk is full (or a quota is reached); the write was rolled back whole."""

    retryable = True

    def __init__(self, store: str) -> None:
        super().__init__(f"{store}: no space left")
        self.store = store


class UpstreamError(MemoryOSError):
    """Something outside (a provider, a store) did not do what was asked. `upstream` names it as configured.

    `reason` is what it said itself, for the operator's log: never part of what a client is told.
    """

    reason: str = ""

    def __init__(self, *, upstream: str, detail: str = "") -> None:
        super().__init__(f"{upstream}: {detail or type(self).__name__}")
        self.upstream, self.detail = upstream, detail


class UpstreamUnavailable(UpstreamError):
    """The connection was refused, reset or shut, or the upstream says that it is down (5xx).

    `retry_after_s` is the upstream's own figure in seconds, if it gave one.
    """

    retryable = True

    def __init__(
        self, *, upstream: str, detail: str = "", status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(upstream=upstream, detail=detail)
        self.status, self.retry_after_s = status, retry_after_s


class CoolingDown(UpstreamUnavailable):
    """The upstream failed so often lately that it is left alone for `retry_after_s` more seconds."""


class UpstreamTimeout(UpstreamError):
    """No answer in time."""

    retryable = True


class UpstreamProtocolError(UpstreamError):
    """The upstream answered something that its protocol does not allow (HTML, broken JSON, a missing field)."""

    retryable = True


class StreamCut(UpstreamError):
    """A stream ended before the upstream said that it was complete; what was sent is not the whole answer."""


class RateLimited(UpstreamError):
    """The upstream asks to slow down. `retry_after_s` is its own figure in seconds, if it gave one.

    `headers` are those of its answer that a client may see (as in `CallFacts`): what its limits are.
    """

    retryable = True

    def __init__(self, *, upstream: str, retry_after_s: float | None = None, detail: str = "") -> None:
        super().__init__(upstream=upstream, detail=detail)
        self.retry_after_s = retry_after_s
        self.headers: dict[str, str] = {}


class QuotaExhausted(UpstreamError):
    """The account has no credit or quota left; trying again does not help."""


class UpstreamAuthError(UpstreamError):
    """The upstream refused our credentials (401, 403)."""


class UpstreamRejected(UpstreamError):
    """The upstream refused the request itself (4xx): passed on to the caller with its reason."""

    def __init__(
        self, *, upstream: str, status: int, message: str, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(upstream=upstream, detail=message)
        self.status, self.message, self.param, self.code = status, message, param, code
