"""The rules that a type cannot say: what belongs together, and what exists."""

import hashlib
import re
from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from memoryos_adapters.configuration.credentials import read_variable
from memoryos_adapters.configuration.faults import Faults, KeyPath, allowed_text
from memoryos_adapters.configuration.targets import check_target
from memoryos_adapters.configuration.urls import echo_of, is_origin
from memoryos_adapters.configuration.validation_embedding import check_embedding
from memoryos_adapters.configuration.validation_http import check_http
from memoryos_adapters.configuration.validation_llm import check_llm
from memoryos_adapters.configuration.validation_privacy import check_privacy
from memoryos_adapters.configuration.validation_router import check_router
from memoryos_adapters.configuration.validation_storage import check_storage
from memoryos_adapters.network import is_loopback
from memoryos_adapters.settings import AuthKeySettings, AuthSettings, LogSettings, ServerSettings, Settings
from memoryos_ports.errors import InvalidInput
from memoryos_ports.ids import check_id

LOG_LEVELS: Final = ("trace", "debug", "info", "success", "warning", "error", "critical")

_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MODELS = re.compile(r"[^\s*]+\*?|\*")


def check_settings(settings: Settings, environ: Mapping[str, str], faults: Faults) -> Settings:
    """Return the settings with secrets, base URLs and key hashes filled in; whatever breaks a rule goes to `faults`."""
    _check_server(settings.server, faults, has_keys=bool(settings.auth.keys) or faults.touches(("auth", "keys")))
    checked = replace(
        settings,
        log=_check_log(settings.log, faults),
        storage=check_storage(settings.storage, settings.worker, environ, faults),
        http=check_http(settings.http, environ, faults),
        llm=check_llm(settings.llm, environ, faults),
        embedding=check_embedding(settings.embedding, environ, faults),
        auth=_check_auth(settings.auth, environ, faults),
    )
    check_router(settings.router, settings.llm.providers, faults)
    check_privacy(settings.privacy, faults)
    if settings.consolidation.llm is not None:
        check_target(("consolidation", "llm"), settings.consolidation.llm, settings.llm.providers, faults)
    return checked


def _check_server(server: ServerSettings, faults: Faults, *, has_keys: bool) -> None:
    is_open = has_keys or server.open_to_network or faults.touches(("server", "open_to_network"))
    if not is_open and not is_loopback(server.host):
        faults.add(
            ("server", "host"),
            "would open the gateway to the network without any key",
            found=server.host,
            hint="allowed: a loopback address; else configure auth.keys, or say server.open_to_network = true",
        )
    for index, origin in enumerate(server.allowed_origins):
        if not is_origin(origin):
            path = ("server", "allowed_origins", index)
            faults.add(
                path, "is not an origin", found=echo_of(origin), hint="allowed: scheme://host[:port], lower case"
            )


def _check_log(log: LogSettings, faults: Faults) -> LogSettings:
    levels: list[tuple[KeyPath, str]] = [(("log", "level"), log.level)]
    levels += [(("log", "modules", module), level) for module, level in log.modules.items()]
    for path, level in levels:
        if level.lower() not in LOG_LEVELS:
            faults.add(path, "unknown level", found=level, hint=allowed_text(LOG_LEVELS))
    modules = {module: level.lower() for module, level in log.modules.items()}
    return replace(log, level=log.level.lower(), modules=modules)


def _check_auth(auth: AuthSettings, environ: Mapping[str, str], faults: Faults) -> AuthSettings:
    keys = tuple(
        _check_key(("auth", "keys", index), key, environ=environ, faults=faults) for index, key in enumerate(auth.keys)
    )
    first_with: dict[str, int] = {}
    for index, key in enumerate(keys):
        if key.key_sha256 is not None and first_with.setdefault(key.key_sha256, index) != index:
            faults.add(("auth", "keys", index), f"is the same key as auth.keys[{first_with[key.key_sha256]}]")
    return AuthSettings(keys=keys)


def _check_key(path: KeyPath, key: AuthKeySettings, *, environ: Mapping[str, str], faults: Faults) -> AuthKeySettings:
    for field, identifier in (("tenant", key.tenant), ("user", key.user)):
        if identifier is not None:
            _check_id((*path, field), identifier, faults)
    for index, models in enumerate(key.models):
        if not _MODELS.fullmatch(models) or not models.isprintable():
            hint = "allowed: a name without blanks, as it is or with * at its end"
            faults.add((*path, "models", index), "names no models", found=models, hint=hint)
    return replace(key, key_sha256=_key_hash(path, key, environ=environ, faults=faults))


def _check_id(path: KeyPath, identifier: str, faults: Faults) -> None:
    try:
        check_id(identifier, param=str(path[-1]))
    except InvalidInput as exc:
        faults.add(path, exc.message.removeprefix(f"{path[-1]} "), found=identifier)


def _key_hash(path: KeyPath, key: AuthKeySettings, *, environ: Mapping[str, str], faults: Faults) -> str | None:
    """Return the SHA-256 (hex, lower case) of the key's UTF-8 bytes, or None after a fault."""
    env_path, hash_path = (*path, "key_env"), (*path, "key_sha256")
    if faults.touches(env_path) or faults.touches(hash_path):
        return None
    if (key.key_env is None) == (key.key_sha256 is None):
        faults.add(path, "needs exactly one of key_env and key_sha256")
    elif key.key_env is not None:
        secret = read_variable(env_path, key.key_env, environ=environ, faults=faults)
        return hashlib.sha256(secret.reveal().encode()).hexdigest() if secret is not None else None
    elif key.key_sha256 is not None:
        if _SHA256.fullmatch(key.key_sha256.lower()):
            return key.key_sha256.lower()
        faults.add(hash_path, "is not a SHA-256", hint="allowed: 64 hexadecimal digits")
    return None
