"""Every setting of the system as frozen values; built by hand in a test: ``Settings()`` is the embedded default."""

from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

KeyScope: TypeAlias = Literal["chat", "memory:read", "memory:write", "memory:erase", "admin"]
MemoryMode: TypeAlias = Literal["full", "read", "write", "off"]
Profile: TypeAlias = Literal["embedded", "server", "noop"]

Port: TypeAlias = Annotated[int, Meta(ge=0, le=65535)]
Count: TypeAlias = Annotated[int, Meta(ge=1)]
Seconds: TypeAlias = Annotated[float, Meta(gt=0, le=1_000_000)]
Megabytes: TypeAlias = Annotated[float, Meta(gt=0, le=1_000_000)]
Name: TypeAlias = Annotated[str, Meta(min_length=1)]
BatchSize: TypeAlias = Annotated[int, Meta(ge=1, le=2048)]
Similarity: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Likeness: TypeAlias = Annotated[float, Meta(ge=0, le=2)]
Heat: TypeAlias = Annotated[float, Meta(ge=0, le=1_000_000)]
Pause: TypeAlias = Annotated[float, Meta(ge=0, le=1_000_000)]
Days: TypeAlias = Annotated[int, Meta(ge=0, le=100_000)]

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
    """The server profile's Redis. A password in `url` is moved to `password` when the configuration is loaded.

    `mode` sentinel asks `sentinels` (``host:port``) for the present master called `master`; mode cluster learns its
    servers from `url`. A write that is acknowledged waits until `wait_replicas` replicas have it, at most `timeout_s`.
    Receipts of stored events are kept `receipts_days`, the turns of a session in short-term memory `session_days`
    after the last of them was said (0: for ever). Time-outs in seconds, of a connection and of one command.
    """

    url: str = "redis://127.0.0.1:6379/0"
    password_env: str | None = None
    password: Secret | None = None
    mode: Literal["standalone", "sentinel", "cluster"] = "standalone"
    sentinels: tuple[str, ...] = ()
    master: Name = "mymaster"
    max_connections: Count = 64
    connect_timeout_s: Seconds = 1
    timeout_s: Seconds = 2
    wait_replicas: Annotated[int, Meta(ge=0, le=100)] = 0
    receipts_days: Days = 30
    session_days: Days = 30


class QdrantSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The server profile's Qdrant, spoken to over REST.

    All but `url`, the key and `timeout_s` shape the collection when it is made, and change nothing later. With
    `quantization` vectors take less memory and searches are approximate; without it they are exact.
    """

    url: str = "http://127.0.0.1:6333"
    api_key_env: str | None = None
    api_key: Secret | None = None
    collection: Name = "memoryos"
    shard_number: Count = 1
    replication_factor: Count = 1
    write_consistency_factor: Count = 1
    quantization: Literal["none", "scalar", "binary"] = "none"
    on_disk: bool = False
    timeout_s: Seconds = 5


class StorageSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stores are wired. `max_queue` bounds the events that wait to be applied.

    `outbox` (server profile): what is to be remembered while Redis is down is kept in the data directory, at most
    `max_outbox` events, and delivered when it is back; it asks for a data directory that outlives the process.
    """

    profile: Profile = "embedded"
    redis: RedisSettings = RedisSettings()
    qdrant: QdrantSettings = QdrantSettings()
    max_queue: Count = 100_000
    outbox: bool = True
    max_outbox: Count = 10_000


class HttpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Outgoing HTTP. `proxy` None: none; hosts of `no_proxy` (a name covers those below it) and loopback go directly.

    A password in `proxy` is moved to `proxy_password` when the configuration is loaded. `ca_file` (PEM) is trusted
    beside the system's authorities. `fetch_images`: images by URL are fetched for providers that cannot, from public
    addresses only.
    """

    proxy: str | None = None
    proxy_password_env: str | None = None
    proxy_password: Secret | None = None
    no_proxy: tuple[str, ...] = ()
    ca_file: str | None = None
    fetch_images: bool = True


class EntraSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application of Microsoft Entra whose token is sent to Azure in the place of a key (client credentials)."""

    tenant_id: Name
    client_id: Name
    client_secret_env: str | None = None
    client_secret: Secret | None = None
    authority: str = "https://login.microsoftonline.com"


class LlmProviderSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider. `kind` is a key of `memoryos_adapters.llm_kinds`, `base_url` what the provider's own SDK takes.

    A loaded configuration has `base_url` filled in from the kind's default and `api_key` from `api_key_env`. `models`
    empty admits any name. `local` says that what is sent stays on our own machines. `headers` are sent with every
    request; their values may be secrets. `api_version` and `entra` are Azure's, `num_ctx` (tokens of context) is
    Ollama's. `max_output_tokens` is asked for where the provider requires a figure and the caller gave none; None: what
    is known of the model.
    Time-outs in seconds: `connect` for the connection, `first_token` from the request to the first event of the
    answer, `idle` between two pieces of it, `total` for the whole call.
    """

    kind: Name
    base_url: str = ""
    api_key_env: str | None = None
    api_key: Secret | None = None
    models: tuple[str, ...] = ()
    local: bool = False
    headers: dict[str, Secret] = {}
    api_version: str | None = None
    entra: EntraSettings | None = None
    num_ctx: Count = 8192
    max_output_tokens: Count | None = None
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
    """One tier of the model `auto`: PROVIDER/MODEL names, tried in order, for prompts of at most that many tokens.

    The tier called `direct` has no models: it gives the approved answer of the tenant's FAQ memory whose question is
    at least `min_similarity` (a cosine) near. One called `local` has local models only, one called `cloud` none.
    """

    name: Name
    models: tuple[str, ...] = ()
    max_prompt_tokens: Count | None = None
    min_similarity: Similarity = 0.92


class RouterSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the model `auto` chooses, and how often a request is tried.

    `sensitive` names what must stay on local providers: words or phrases, found anywhere, whatever their case, or
    regular expressions between slashes. A request makes at most `max_tries` calls in all; between two calls to the
    same model it waits up to `backoff_s` · 2ⁿ, at most `max_wait_s`, or what the provider asks for. A model that
    failed `breaker_failures` times in a row is not asked for `breaker_cooldown_s`.
    """

    tiers: tuple[RouterTierSettings, ...] = ()
    sensitive: tuple[str, ...] = ()
    max_tries: Count = 3
    backoff_s: Seconds = 0.5
    max_wait_s: Seconds = 10
    breaker_failures: Count = 10
    breaker_cooldown_s: Seconds = 10


class EmbeddingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which embedder makes the vectors; everything beside `kind` is of the kind ``openai``.

    `base_url` is what OpenAI's SDK takes; a loaded configuration has `api_key` filled in from `api_key_env`. `model` is
    required. `dimensions` is sent only if given; None leaves the length of the vectors to the model. One call has at
    most `batch_size` texts. `local` says that what is sent stays on our own machines: sensitive texts go nowhere else.
    Time-outs in seconds: `connect` for the connection, `total` for a whole call.
    """

    kind: Literal["minilm", "static", "openai", "hashed"] = "minilm"
    base_url: str = "https://api.openai.com/v1"
    api_key_env: str | None = None
    api_key: Secret | None = None
    model: str = ""
    dimensions: Count | None = None
    batch_size: BatchSize = 128
    local: bool = False
    connect_timeout_s: Seconds = 5
    total_timeout_s: Seconds = 30


class AuthKeySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A key, by the variable that holds it or by its SHA-256 (hex). `user` binds it to one user.

    `models` are the model names that it may use, as clients write them or as PROVIDER/MODEL, each as it is or with a
    ``*`` at its end; empty: every one.
    A loaded configuration has `key_sha256` (lower case) for every key; the key itself is not kept.
    """

    tenant: str
    key_env: str | None = None
    key_sha256: str | None = None
    user: str | None = None
    scopes: tuple[KeyScope, ...] = ("chat", "memory:read", "memory:write")
    memory_mode: MemoryMode = "full"
    models: tuple[str, ...] = ()


class AuthSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may call. No keys: one tenant `default`, loopback only."""

    keys: tuple[AuthKeySettings, ...] = ()


class MemorySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`budget_tokens` bounds what memory adds to a prompt, `recall_timeout_ms` how long a chat waits for it, and
    `store_wait_ms` how long its end waits until the exchange is durable.

    Turns, facts and segments are kept for so many days after they were last said or visited (0: for ever), of
    segments and facts at most so many per user.
    """

    budget_tokens: Count = 2000
    recall_timeout_ms: Count = 150
    store_wait_ms: Count = 50
    page_ttl_days: Days = 0
    fact_ttl_days: Days = 0
    segment_ttl_days: Days = 0
    max_segments: Count = 200
    max_facts: Count = 1000


class ConsolidationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How pages become segments and facts.

    `llm` (PROVIDER/MODEL) reads the pages, None: rules alone. New pages are sorted `quiet_s` seconds after the first
    of them. A page joins a segment from a likeness of `similarity` on (cosine plus overlap of keywords, 0 to 2); a
    segment is promoted from `heat_threshold` on.
    """

    enabled: bool = True
    llm: Name | None = None
    heat_threshold: Heat = 5
    similarity: Likeness = 0.6
    quiet_s: Pause = 30


class PrivacySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`redact` names what is taken out of a text before it is stored, embedded or published.

    Each is one of `memoryos_ports.redaction.REDACTION_RULES`, or a regular expression between slashes.
    """

    redact: tuple[str, ...] = ()


class WorkerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the worker serves health and metrics (port 0: a free one, logged), and how events are consumed.

    `consumer` None: a name of its own per process. A read waits at most `block_ms` for at most `batch_size` events;
    an event counts as left by a dead consumer after `claim_idle_ms`. `async_pipeline` False makes a gateway of the
    server profile itself a consumer of the group; else it leaves events to workers. `partitions` spreads the scopes
    over that many streams, the same number for every process; told to stop, a worker finishes what it has in hand
    within `drain_s` seconds.
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
    partitions: Annotated[int, Meta(ge=1, le=1024)] = 1
    drain_s: Seconds = 20


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole configuration."""

    data_dir: Name = ".memoryos"
    server: ServerSettings = ServerSettings()
    log: LogSettings = LogSettings()
    storage: StorageSettings = StorageSettings()
    http: HttpSettings = HttpSettings()
    llm: LlmSettings = LlmSettings()
    router: RouterSettings = RouterSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    auth: AuthSettings = AuthSettings()
    memory: MemorySettings = MemorySettings()
    privacy: PrivacySettings = PrivacySettings()
    consolidation: ConsolidationSettings = ConsolidationSettings()
    worker: WorkerSettings = WorkerSettings()
