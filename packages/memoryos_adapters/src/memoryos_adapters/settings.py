"""Every setting of the system as frozen values; built by hand in a test: ``Settings()`` is the embedded default."""

from typing import Literal, TypeAlias

import msgspec

ProviderKind: TypeAlias = Literal[
    "openai", "azure_openai", "anthropic", "gemini", "ollama", "deepseek", "openrouter", "noop"
]
KeyScope: TypeAlias = Literal["chat", "memory:read", "memory:write", "memory:erase", "admin"]
MemoryMode: TypeAlias = Literal["full", "read", "write", "off"]
Profile: TypeAlias = Literal["embedded", "server", "noop"]

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
    """Where the gateway listens. `open_to_network` allows binding elsewhere than loopback without any key."""

    host: str = "127.0.0.1"
    port: int = 8080
    allowed_origins: tuple[str, ...] = ()
    body_limit_mb: float = 20
    open_to_network: bool = False


class LogSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`modules` sets a level of its own for a module and those below it."""

    level: str = "info"
    format: Literal["pretty", "json"] = "pretty"
    modules: dict[str, str] = {}


class RedisSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server profile's Redis."""

    url: str = "redis://127.0.0.1:6379/0"


class QdrantSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server profile's Qdrant, spoken to over REST."""

    url: str = "http://127.0.0.1:6333"
    api_key_env: str | None = None


class StorageSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stores are wired. `max_queue` bounds the events that wait to be applied."""

    profile: Profile = "embedded"
    redis: RedisSettings = RedisSettings()
    qdrant: QdrantSettings = QdrantSettings()
    max_queue: int = 100_000


class LlmProviderSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider. `base_url` is what the provider's own SDK takes; `models` empty admits any name.

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
    connect_timeout_s: float = 5
    first_token_timeout_s: float = 120
    idle_timeout_s: float = 60
    total_timeout_s: float = 600


class LlmSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Providers by name. `default_provider` None: the only one configured, or the offline fallback when there is none.

    `aliases` maps a name that clients use to PROVIDER/MODEL.
    """

    default_provider: str | None = None
    aliases: dict[str, str] = {}
    providers: dict[str, LlmProviderSettings] = {}


class EmbeddingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which embedder makes the vectors."""

    kind: Literal["minilm", "static", "openai", "hashed"] = "minilm"


class AuthKeySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key, by the variable that holds it or by its SHA-256 (hex). `user` binds it to one user."""

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

    budget_tokens: int = 2000
    recall_timeout_ms: int = 150


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the worker serves health and metrics (port 0: a free one, logged), and how events are consumed."""

    host: str = "127.0.0.1"
    port: int = 0
    concurrency: int = 32


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole configuration."""

    data_dir: str = ".memoryos"
    server: ServerSettings = ServerSettings()
    log: LogSettings = LogSettings()
    storage: StorageSettings = StorageSettings()
    llm: LlmSettings = LlmSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    auth: AuthSettings = AuthSettings()
    memory: MemorySettings = MemorySettings()
    worker: WorkerSettings = WorkerSettings()
