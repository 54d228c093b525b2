"""The layers of a configuration, laid over one another: config.toml, then the environment, then the flags."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from memoryos_adapters.configuration.faults import Faults, KeyPath, suggestion
from memoryos_adapters.configuration.types import bare, is_container, is_text, locate
from memoryos_adapters.llm_kinds import LLM_KINDS

FILE_VARIABLE: Final = "MEMORYOS_CONFIG"
"""Names the configuration file; without it ./config.toml is read when it exists."""

PREFIX: Final = "MEMORYOS__"

PLAIN_VARIABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "MEMORYOS_DATA_DIR": ("data_dir",),
    "MEMORYOS_ASYNC_MEMORY_PIPELINE": ("worker", "async_pipeline"),
    "MEMORYOS_WORKER_STREAM": ("worker", "stream"),
    "MEMORYOS_WORKER_GROUP": ("worker", "group"),
    "MEMORYOS_WORKER_CONSUMER": ("worker", "consumer"),
    "MEMORYOS_WORKER_BLOCK_MS": ("worker", "block_ms"),
    "MEMORYOS_WORKER_BATCH_SIZE": ("worker", "batch_size"),
    "MEMORYOS_WORKER_CLAIM_IDLE_MS": ("worker", "claim_idle_ms"),
}
"""Variables kept from the predecessor, and the key each one sets; the `MEMORYOS__` form of the same key wins."""

_WORDS_FOR_BOOL = {
    "1": True, "true": True, "yes": True, "on": True,
    "0": False, "false": False, "no": False, "off": False,
}  # fmt: skip


class Layers:
    """A tree of values, and for each of them the file, variable or flag that gave it."""

    def __init__(self) -> None:
        self.tree: dict[str, Any] = {}
        self._origins: dict[KeyPath, str] = {}

    def origin_of(self, path: KeyPath) -> str:
        """Return where the value at `path` came from: its own origin, else that of what holds it or is in it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._origins:
                return self._origins[path[:length]]
        return next((origin for known, origin in self._origins.items() if known[: len(path)] == path), "")

    def gives(self, path: KeyPath) -> bool:
        """Tell whether somebody gave the value at `path`; otherwise it is missing, or the default stands."""
        value: Any = self.tree
        for part in path:
            try:
                value = value[part]
            except (KeyError, IndexError, TypeError):  # the last: it is no table, or no list
                return False
        return True

    def lay(self, values: Mapping[str, Any], *, origin: str) -> None:
        """Lay `values` over what is there: tables are merged, everything else is replaced."""
        self._merge(self.tree, values, (), origin)

    def lay_text(self, parts: tuple[str, ...], text: str, *, origin: str) -> None:
        """Lay one value that was written as text, read as its key's type asks."""
        path, kind = locate(parts)
        value: Any = text if kind is None else _read_text(kind, text)
        for part in reversed(path):
            value = {part: value}
        self.lay(value, origin=origin)

    def _merge(self, tree: dict[str, Any], values: Mapping[str, Any], path: KeyPath, origin: str) -> None:
        for word, value in values.items():
            key = _same_name(tree, word)
            if isinstance(value, dict):
                if not isinstance(tree.get(key), dict):
                    tree[key] = {}
                    self._origins[(*path, key)] = origin
                self._merge(tree[key], value, (*path, key), origin)
            else:
                tree[key] = value
                self._origins[(*path, key)] = origin


def lay_file(layers: Layers, environ: Mapping[str, str], faults: Faults) -> bool:
    """Lay the configuration file; False when there is one that cannot be read, which is then a fault."""
    named = environ.get(FILE_VARIABLE, "")
    path = Path(named or "config.toml")
    if not named and not path.exists():
        return True
    try:
        text = path.read_bytes().decode("utf-8-sig")
        layers.lay(tomllib.loads(text), origin=str(path))
    except OSError as exc:
        faults.add((FILE_VARIABLE if named else str(path),), f"cannot be read: {exc.strerror}", found=str(path))
    except UnicodeDecodeError as exc:
        faults.add((str(path),), f"is not UTF-8 at byte {exc.start}")
    except tomllib.TOMLDecodeError as exc:
        end = f"(at line {text.count(chr(10)) + 1}, column {len(text) - text.rfind(chr(10))}, the end of the file)"
        faults.add((str(path),), "is not TOML: " + str(exc).replace("(at end of document)", end))
    else:
        return True
    return False


def lay_environment(layers: Layers, environ: Mapping[str, str], faults: Faults) -> None:
    """Lay the variables of ours; names are case-insensitive, and an empty variable counts as not set."""
    given: dict[str, str] = {}
    for variable in sorted(name for name, text in environ.items() if text):
        name = variable.upper()
        if not name.startswith(PREFIX) and name not in PLAIN_VARIABLES:
            continue
        if name in given:
            faults.add((variable,), f"is also set as {given[name]}")
        given[name] = variable
    for name in sorted(given, key=lambda name: (name not in PLAIN_VARIABLES, name)):
        parts = PLAIN_VARIABLES.get(name) or tuple(name.removeprefix(PREFIX).lower().split("__"))
        layers.lay_text(parts, environ[given[name]], origin=f"variable {given[name]}")


def lay_flags(layers: Layers, flags: Mapping[str, str], faults: Faults) -> None:
    """Lay the flags: ``section.key`` sets a key, ``provider`` and ``model`` are the start on one line."""
    for flag, text in flags.items():
        if flag not in ("provider", "model"):
            layers.lay_text(tuple(flag.split(".")), text, origin=f"flag --{flag}")
    if "provider" in flags:
        _lay_provider(layers, flags["provider"], flags.get("model"), faults)
    elif "model" in flags:
        faults.add(("model",), "needs --provider", found=flags["model"])


def _lay_provider(layers: Layers, word: str, model: str | None, faults: Faults) -> None:
    """Make the configured provider `word` the default; a kind's name adds a provider of that name and kind."""
    configured = _table(_table(layers.tree, "llm"), "providers")
    name = _same_name(configured, word)
    provider: dict[str, Any] = {}
    if name not in configured:
        kind = LLM_KINDS.get(name)
        if kind is None:
            hint = suggestion(name, {*LLM_KINDS, *configured})
            faults.add(("provider",), "no such provider or kind of provider", found=word, hint=hint)
            return
        provider = {"kind": name} | ({"api_key_env": kind.key_env} if kind.key_env else {})
    layers.lay({"llm": {"default_provider": name, "providers": {name: provider}}}, origin="flag --provider")
    if model:
        known = _table(configured, name).get("models")
        others = [other for other in known if other != model] if isinstance(known, list) else []
        layers.lay({"llm": {"providers": {name: {"models": [model, *others]}}}}, origin="flag --model")


def _table(tree: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = tree.get(key)
    return found if isinstance(found, dict) else {}


def _same_name(tree: Mapping[str, Any], word: str) -> str:
    """Return the key that `word` names: itself, else one that differs in case only (variables have no case)."""
    if word in tree:
        return word
    return next((key for key in tree if key.casefold() == word.casefold()), word)


def _read_text(kind: Any, text: str) -> Any:
    """Return the value that `text` stands for; text that cannot be read as asked is left for the type check."""
    if is_text(kind):
        return text
    text = text.strip()
    if bare(kind) is bool:
        return _WORDS_FOR_BOOL.get(text.lower(), text)
    is_plain_list = get_origin(kind) is tuple and not is_container(get_args(kind)[0])
    if is_plain_list and not text.startswith("["):
        return [item.strip() for item in text.split(",") if item.strip()]
    try:
        document = tomllib.loads(f"value = {text}")
    except ValueError:  # not TOML, or an integer longer than Python reads
        return text
    return document["value"] if len(document) == 1 else text
