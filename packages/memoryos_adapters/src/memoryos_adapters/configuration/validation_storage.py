"""The rules for the stores of the server profile: where Redis and Qdrant are, and what belongs together there."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from msgspec.structs import replace

from memoryos_adapters.configuration.credentials import read_secret, separate_password
from memoryos_adapters.configuration.faults import ABSENT, Faults
from memoryos_adapters.configuration.urls import HTTP_SCHEMES, REDIS_SCHEMES, echo_of, is_host_and_port, url_problem
from memoryos_adapters.settings import QdrantSettings, RedisSettings, StorageSettings, WorkerSettings

_REDIS = ("storage", "redis")
_QDRANT = ("storage", "qdrant")
_HASH_TAG: Final = re.compile(r"[^{]*\{[^}]+\}")
_DATABASE: Final = re.compile(r"/?\d*")
_SHORTEST_WAIT_S: Final = 0.01  # WAIT takes whole milliseconds, and none of them is for ever


def check_storage(
    storage: StorageSettings, worker: WorkerSettings, environ: Mapping[str, str], faults: Faults
) -> StorageSettings:
    """Return the section with its secrets filled in; whatever breaks a rule goes to `faults`."""
    redis = _check_redis(storage.redis, environ, faults)
    _check_stream(redis, worker, faults)
    return replace(storage, redis=redis, qdrant=_check_qdrant(storage.qdrant, environ, faults))


def _check_redis(redis: RedisSettings, environ: Mapping[str, str], faults: Faults) -> RedisSettings:
    given = read_secret(
        (*_REDIS, "password"), variable=redis.password_env, literal=redis.password, environ=environ, faults=faults
    )
    url, password = separate_password(
        (*_REDIS, "url"), redis.url, given=given, schemes=REDIS_SCHEMES, faults=faults, with_query=True
    )
    if not faults.touches((*_REDIS, "url")):
        _check_database(redis, urlsplit(url).path, faults)
    _check_sentinels(redis, faults)
    if redis.wait_replicas and redis.timeout_s < _SHORTEST_WAIT_S:
        hint = f"storage.redis.wait_replicas = {redis.wait_replicas} waits so long for replicas"
        faults.add((*_REDIS, "timeout_s"), f"must be at least {_SHORTEST_WAIT_S}", found=redis.timeout_s, hint=hint)
    return replace(redis, url=url, password=password)


def _check_database(redis: RedisSettings, database: str, faults: Faults) -> None:
    path = (*_REDIS, "url")
    if not _DATABASE.fullmatch(database):
        faults.add(path, "names no database", hint="allowed: a number after the host, as in redis://host:6379/0")
    elif redis.mode == "cluster" and database.strip("/0"):
        faults.add(path, "names a database, and a cluster has none but 0", hint=f"found /{database.strip('/')}")


def _check_sentinels(redis: RedisSettings, faults: Faults) -> None:
    path = (*_REDIS, "sentinels")
    if faults.reaches_into(path) or faults.touches((*_REDIS, "mode")):
        return
    if redis.mode == "sentinel" and not redis.sentinels:
        faults.add(path, "is missing: the mode sentinel needs one at least", found=ABSENT, hint="allowed: host:port")
    if redis.mode != "sentinel" and redis.sentinels:
        faults.add(path, f"is of the mode sentinel only, and the mode is {redis.mode}")
    for index, address in enumerate(redis.sentinels):
        if not is_host_and_port(address):
            faults.add((*path, index), "is no address", found=address, hint="allowed: host:port")


def _check_stream(redis: RedisSettings, worker: WorkerSettings, faults: Faults) -> None:
    """In a cluster the stream, its dead letters and its books must be on one server: their common hash tag says so."""
    path = ("worker", "stream")
    if redis.mode == "cluster" and not faults.touches(path) and not _HASH_TAG.match(worker.stream):
        hint = f"such as {{{worker.stream}}}, for storage.redis.mode = cluster"
        faults.add(path, "needs a hash tag in a cluster", found=worker.stream, hint=hint)


def _check_qdrant(qdrant: QdrantSettings, environ: Mapping[str, str], faults: Faults) -> QdrantSettings:
    if problem := url_problem(qdrant.url, schemes=HTTP_SCHEMES):
        faults.add((*_QDRANT, "url"), problem, found=echo_of(qdrant.url))
    if qdrant.write_consistency_factor > qdrant.replication_factor:
        hint = f"storage.qdrant.replication_factor is {qdrant.replication_factor}"
        path = (*_QDRANT, "write_consistency_factor")
        faults.add(path, "asks for more replicas than there are", found=qdrant.write_consistency_factor, hint=hint)
    key = read_secret(
        (*_QDRANT, "api_key"), variable=qdrant.api_key_env, literal=qdrant.api_key, environ=environ, faults=faults
    )
    return replace(qdrant, api_key=key)
