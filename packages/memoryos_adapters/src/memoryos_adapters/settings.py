"""Every setting of the system as frozen values; built by hand in a test: ``Settings()`` is the embedded default."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

ProviderKind: TypeAlias = Literal[
    "openai", "azure_openai", "anthropic", "gemini", "ollama", "deepseek", "openrouter", "noop"
]
KeyScope: TypeAlias = Literal["chat", "memory:read", "memory:write", "memory:erase", "admin"]
MemoryMode: TypeAlias = Literal["full", "read", "write", "off"]
Profile: TypeAlias = Literal["embedded", "server", "noop"]

Port: TypeAlias = Annotated[int, Meta(ge=0, le=65535)]
Count: TypeAlias = Annotated[int, Meta(ge=1)]
Seconds: TypeAlias = Annotated[float, Meta(gt=0, le=1_000_000)]
Megabytes: TypeAlias = Annotated[float, Meta(gt=0, le=1_000_000)]
Name: TypeAlias = Annotated[str, Meta(min_length=1)]

ALL_KEY_SCOPES: tuple[KeyScope, ...] = ("chat", "memory:read", "memory:write", "memory:erase", "admin")


class Secret:
    """A text that never shows in repr, logs or errors; `reveal` gives it to the one place that sends it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the secret itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the gateway listens. `open_to_network` allows binding elsewhere than loopback without any key.

    `allowed_origins` are the web pages (``scheme://host[:port]``) whose scripts may call it.
    """

    host: Name = "127.0.0.1"
    port: Port = 8080
    allowed_origins: tuple[str, ...] = ()
    body_limit_mb: Megabytes = 20
    open_to_network: bool = False


class LogSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`modules` sets a level of its own for a module and those below it.

    Levels: trace, debug, info, success, warning, error, critical.
    """

    level: str = "info"
    format: Literal["pretty", "json"] = "pretty"
    modules: dict[str, str] = {}


class RedisSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server profile's Redis. A password in `url` is moved to `password` when the configuration is loaded."""

    url: str = "redis://127.0.0.1:6379/0"
    password_env: str | None = None
    password: Secret | None = None


class QdrantSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server profile's Qdrant, spoken to over REST."""

    url: str = "http://127.0.0.1:6333"
    api_key_env: str | None = None
    api_key: Secret | None = None


class StorageSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stores are wired. `max_queue` bounds the events that wait to be applied."""

    profile: Profile = "embedded"
    redis: RedisSettings = RedisSettings()
    qdrant: QdrantSettings = QdrantSettings()
    max_queue: Count = 100_000


class LlmProviderSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider. `base_url` is what the provider's own SDK takes; `models` empty admits any name.

    A loaded configuration has `base_url` filled in from the kind's default and `api_key` from `api_key_env`.
    `local` says that what is sent stays on our own machines.
    Time-outs in seconds: `connect` for the connection, `first_token` from the request to the first event of the
    answer, `idle` between two pieces of it, `total` for the whole call.
    """

    kind: ProviderKind
    base_url: str = ""
    api_key_env: str | None = None
    api_key: Secret | None = None
    models: tuple[str, ...] = ()
    local: bool = False
    api_version: str | None = None
    connect_timeout_s: Seconds = 5
    first_token_timeout_s: Seconds = 120
    idle_timeout_s: Seconds = 60
    total_timeout_s: Seconds = 600


class LlmSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Providers by name. `default_provider` None: the only one configured, or the offline fallback when there is none.

    `aliases` maps a name that clients use to PROVIDER/MODEL.
    """

    default_provider: str | None = None
    aliases: dict[str, str] = {}
    providers: dict[str, LlmProviderSettings] = {}


class RouterTierSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tier of the model `auto`: PROVIDER/MODEL names, tried in order, for prompts of at most that many tokens."""

    name: Name
    models: tuple[str, ...]
    max_prompt_tokens: Count | None = None


class RouterSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the model `auto` chooses; `sensitive` names what must stay on local providers."""

    tiers: tuple[RouterTierSettings, ...] = ()
    sensitive: tuple[str, ...] = ()


class EmbeddingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which embedder makes the vectors."""

    kind: Literal["minilm", "static", "openai", "hashed"] = "minilm"


class AuthKeySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key, by the variable that holds it or by its SHA-256 (hex). `user` binds it to one user.

    A loaded configuration has `key_sha256` (lower case) for every key; the key itself is not kept.
    """

    tenant: str
    key_env: str | None = None
    key_sha256: str | None = None
    user: str | None = None
    scopes: tuple[KeyScope, ...] = ("chat", "memory:read", "memory:write")
    memory_mode: MemoryMode = "full"


class AuthSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may call. No keys: one tenant `default`, loopback only."""

    keys: tuple[AuthKeySettings, ...] = ()


class MemorySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`budget_tokens` bounds what memory adds to a prompt, `recall_timeout_ms` how long a chat waits for it."""

    budget_tokens: Count = 2000
    recall_timeout_ms: Count = 150


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the worker serves health and metrics (port 0: a free one, logged), and how events are consumed.

    `consumer` None: a name of its own per process. A read waits at most `block_ms` for at most `batch_size` events;
    an event counts as left by a dead consumer after `claim_idle_ms`. `async_pipeline` True leaves events to workers,
    False makes a gateway of the server profile itself a consumer of the group, None is what the profile usually does.
    """

    host: Name = "127.0.0.1"
    port: Port = 0
    concurrency: Count = 32
    stream: Name = "chat_log"
    group: Name = "memoryos-workers"
    consumer: Name | None = None
    block_ms: Count = 5000
    batch_size: Count = 32
    claim_idle_ms: Count = 30_000
    async_pipeline: bool | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole configuration."""

    data_dir: Name = ".memoryos"
    server: ServerSettings = ServerSettings()
    log: LogSettings = LogSettings()
    storage: StorageSettings = StorageSettings()
    llm: LlmSettings = LlmSettings()
    router: RouterSettings = RouterSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    auth: AuthSettings = AuthSettings()
    memory: MemorySettings = MemorySettings()
    worker: WorkerSettings = WorkerSettings()
