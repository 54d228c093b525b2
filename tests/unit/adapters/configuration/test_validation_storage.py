"""The rules for the stores of the server profile: where they are, and what belongs together there."""

from pathlib import Path

import pytest

from memoryos_adapters.configuration.loading import load_settings
from memoryos_adapters.settings import RedisSettings, Secret
from tests.unit.adapters.configuration.support import faults_of, write_config

SENTINELS = ("10.0.0.1:26379", "[::1]:26379", "redis-sentinel.example:26379")


@pytest.fixture(autouse=True)
def empty_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_password_in_the_url_of_redis_becomes_a_secret() -> None:
    redis = load_settings({"MEMORYOS__STORAGE__REDIS__URL": "rediss://me:p%40ss@host:6380/1"}).storage.redis
    assert redis == RedisSettings(url="rediss://me@host:6380/1", password=Secret("p@ss"))


@pytest.mark.parametrize("url", ["http://host", "redis://", "redis://host:port"])
def test_a_wrong_url_of_redis_is_refused(url: str) -> None:
    (fault,) = faults_of({"MEMORYOS__STORAGE__REDIS__URL": url})
    assert fault.startswith("storage.redis.url: ")


def test_the_password_of_redis_is_given_once() -> None:
    environ = {"MEMORYOS__STORAGE__REDIS__URL": "redis://:a@host", "MEMORYOS__STORAGE__REDIS__PASSWORD": "b"}
    (fault,) = faults_of(environ)
    assert fault.startswith("storage.redis.url: holds a password, and another is given beside it")


def test_a_wrong_url_of_redis_hides_no_fault_of_its_password() -> None:
    environ = {"MEMORYOS__STORAGE__REDIS__URL": "http://host", "MEMORYOS__STORAGE__REDIS__PASSWORD_ENV": "GONE"}
    faults = sorted(faults_of(environ))
    assert [fault.partition(" (")[0] for fault in faults] == [
        "storage.redis.password_env: variable GONE is not set",
        "storage.redis.url: must begin with redis:// or rediss://",
    ]


def test_the_key_of_qdrant_is_resolved() -> None:
    qdrant = load_settings({"MEMORYOS__STORAGE__QDRANT__API_KEY_ENV": "Q", "Q": "key"}).storage.qdrant
    assert qdrant.api_key == Secret("key")


def test_the_url_of_qdrant_is_checked() -> None:
    (fault,) = faults_of({"MEMORYOS__STORAGE__QDRANT__URL": "host:6333"})
    assert fault.startswith("storage.qdrant.url: must begin with http:// or https://")


def test_options_of_tls_stand_in_the_url_of_redis() -> None:
    url = "rediss://host:6380/0?ssl_ca_certs=/ca.pem"
    assert load_settings({"MEMORYOS__STORAGE__REDIS__URL": url}).storage.redis.url == url


def test_the_server_profile_with_sentinels_loads() -> None:
    environ = {
        "MEMORYOS__STORAGE__PROFILE": "server",
        "MEMORYOS__STORAGE__REDIS__MODE": "sentinel",
        "MEMORYOS__STORAGE__REDIS__SENTINELS": ",".join(SENTINELS),
        "MEMORYOS__STORAGE__REDIS__WAIT_REPLICAS": "1",
    }
    storage = load_settings(environ).storage
    assert (storage.profile, storage.redis) == (
        "server",
        RedisSettings(mode="sentinel", sentinels=SENTINELS, wait_replicas=1),
    )


@pytest.mark.parametrize("stream", ["{chat_log}", "acme:{chat_log}:events", "{a}{b}"])
def test_a_stream_with_a_hash_tag_is_for_a_cluster(stream: str) -> None:
    environ = {"MEMORYOS__STORAGE__REDIS__MODE": "cluster", "MEMORYOS_WORKER_STREAM": stream}
    assert load_settings(environ).worker.stream == stream


@pytest.mark.parametrize(
    ("storage", "fault"),
    [
        (
            '[storage.redis]\nmode = "cluster"',
            "worker.stream: needs a hash tag in a cluster (found 'chat_log'; such as",
        ),
        (
            '[storage.redis]\nmode = "cluster"\n[worker]\nstream = "{}chat_log"',
            "worker.stream: needs a hash tag in a cluster (found '{}chat_log' in ",
        ),
        (
            '[storage.redis]\nmode = "cluster"\nurl = "redis://host/3"\n[worker]\nstream = "{a}"',
            "storage.redis.url: names a database, and a cluster has none but 0",
        ),
        ('[storage.redis]\nurl = "redis://host/zero"', "storage.redis.url: names no database"),
        ('[storage.redis]\nurl = "redis://host/0#a"', "storage.redis.url: must not hold a fragment"),
        ('[storage.redis]\nmode = "sentinel"', "storage.redis.sentinels: is missing: the mode sentinel needs one"),
        (
            '[storage.redis]\nsentinels = ["a:1"]',
            "storage.redis.sentinels: is of the mode sentinel only, and the mode is standalone",
        ),
        (
            '[storage.redis]\nmode = "sentinel"\nsentinels = ["a:1", "b"]',
            "storage.redis.sentinels[1]: is no address (found 'b' in ",
        ),
        (
            '[storage.redis]\nmode = "sentinels"',
            "storage.redis.mode: must be one of 'cluster', 'sentinel', 'standalone'",
        ),
        (
            "[storage.redis]\nwait_replicas = 1\ntimeout_s = 0.001",
            "storage.redis.timeout_s: must be at least 0.01 (found 0.001 in ",
        ),
        ("[storage.redis]\nwait_replicas = -1", "storage.redis.wait_replicas: must be an integer from 0 to 100"),
        (
            "[storage.qdrant]\nreplication_factor = 2\nwrite_consistency_factor = 3",
            "storage.qdrant.write_consistency_factor: asks for more replicas than there are (found 3 in ",
        ),
        ('[storage.qdrant]\nquantization = "product"', "storage.qdrant.quantization: must be one of 'binary', 'none',"),
        ("[storage]\nmax_outbox = 0", "storage.max_outbox: must be an integer from 1"),
        ("[worker]\npartitions = 0", "worker.partitions: must be an integer from 1 to 1024"),
        ("[worker]\npartitions = 2000", "worker.partitions: must be an integer from 1 to 1024"),
        ("[worker]\ndrain_s = 0", "worker.drain_s: must be a number above 0"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_key(tmp_path: Path, storage: str, fault: str) -> None:
    (found,) = faults_of(write_config(tmp_path, storage))
    assert found.startswith(fault)


def test_a_default_that_is_wrong_here_is_not_laid_at_the_door_of_another_key() -> None:
    environ = {"MEMORYOS__STORAGE__REDIS__MODE": "cluster", "MEMORYOS__WORKER__CLAIM_IDLE_MS": "60000"}
    (fault,) = faults_of(environ)
    assert fault.startswith("worker.stream: needs a hash tag in a cluster (found 'chat_log'; such as {chat_log}")


@pytest.mark.parametrize("address", ["", "host", "host:", ":1", "host:port", "host:70000", "a:1/x", "u@a:1", "::1:5"])
def test_what_is_no_address_of_a_sentinel_is_refused(address: str) -> None:
    environ = {
        "MEMORYOS__STORAGE__REDIS__MODE": "sentinel",
        "MEMORYOS__STORAGE__REDIS__SENTINELS": f'["{address}"]',
    }
    (fault,) = faults_of(environ)
    assert fault.startswith("storage.redis.sentinels[0]: is no address")
