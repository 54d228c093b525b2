"""The error tree is the one its docstring draws, and no text of an error holds more than its facts."""

import re

import pytest

from memoryos_ports import errors
from memoryos_ports.errors import MemoryOSError

_LINE = re.compile(r"^\s{4}(?P<tree>[│ ├└─]*)(?P<name>[A-Z]\w+)\s*(?P<rest>.*)$")


def drawn() -> dict[str, tuple[str | None, bool | None]]:
    """Return parent and retryability (None: not told) of each class that the docstring draws."""
    tree: dict[str, tuple[str | None, bool | None]] = {}
    open_: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        if (match := _LINE.match(line)) is None:
            continue
        depth = len(match["tree"]) // 4
        open_ = [entry for entry in open_ if entry[0] < depth]
        told = None if "retryable" not in match["rest"] else "not retryable" not in match["rest"]
        tree[match["name"]] = (open_[-1][1] if open_ else None, told)
        open_.append((depth, match["name"]))
    return tree


def defined() -> dict[str, type[MemoryOSError]]:
    """Return every class of the tree by name."""
    return {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, MemoryOSError)
    }


def test_the_drawing_shows_every_class_under_its_parent() -> None:
    bases = {name: class_.__base__ for name, class_ in defined().items()}
    parents = {name: base.__name__ if base and base is not Exception else None for name, base in bases.items()}
    assert {name: parent for name, (parent, _) in drawn().items()} == parents


def test_every_class_is_as_retryable_as_the_drawing_says() -> None:
    told = {name: retryable for name, (_, retryable) in drawn().items() if retryable is not None}
    assert {name: defined()[name].retryable for name in told} == told
    assert set(defined()) - set(told) == {"MemoryOSError", "UpstreamError"}


TEXTS = {
    errors.InvalidInput("too long", param="text", code="long"): "too long",
    errors.Unauthenticated(): "Incorrect API key provided.",
    errors.PermissionDenied("not yours", param="user"): "not yours",
    errors.NotFound("memory", "m1"): "no memory with id 'm1'",
    errors.ModelNotFound("gpt-9"): "The model `gpt-9` does not exist or you do not have access to it.",
    errors.EventIdReused("e1"): "event_id 'e1' was already used with other content",
    errors.VersionConflict(kind="turn", identifier="t", expected=1, found=2): "turn 't' is at version 2, not 1",
    errors.MemoryDisabled(): "memory is disabled: the storage profile is noop",
    errors.ConfigurationError(["a: bad", "b: worse"]): "a: bad\nb: worse",
    errors.EmbedderMismatch(stored="a/1", configured="b/2"): (
        "the memory index was built with embedder a/1, configured is b/2 (embedding.kind): configure the first again, "
        "or build the index anew, with `memoryos-gateway reembed` or, on the server profile, by export and import into "
        "another storage.qdrant.collection (docs/how-to/cluster.md)"
    ),
    errors.ForeignIndex("notes", setting="storage.qdrant.collection"): (
        "storage.qdrant.collection: 'notes' was not made by MemoryOS: choose a name that is free"
    ),
    errors.InvalidEvent("no"): "no",
    errors.Overloaded("queue"): "queue is full",
    errors.StorageFull("index"): "index: no space left",
    errors.UpstreamUnavailable(upstream="redis", status=503): "redis: UpstreamUnavailable",
    errors.UpstreamTimeout(upstream="redis", detail="2 s"): "redis: 2 s",
    errors.RateLimited(upstream="openai", retry_after_s=3): "openai: RateLimited",
    errors.UpstreamRejected(upstream="openai", status=400, message="bad", param="n", code="c"): "openai: bad",
}


@pytest.mark.parametrize(("error", "text"), TEXTS.items(), ids=lambda value: type(value).__name__)
def test_texts_are_made_of_facts(error: MemoryOSError, text: str) -> None:
    assert str(error) == text
