"""The compose files: they are valid, what they name exists, and our processes understand their settings."""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from memoryos_adapters.configuration.layers import PLAIN_VARIABLES, PREFIX
from memoryos_adapters.configuration.loading import load_settings
from memoryos_adapters.settings import Settings
from tests.deploy.compose import COMPOSE, FILES, example_env, host_files, load_compose, named_variables, our_services
from tests.deploy.files import DEPLOY, ROOT, read_yaml, stages

CLUSTER = COMPOSE / "docker-compose.cluster.yml"
EVERY_FILE = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem.removeprefix("docker-compose."))


def settings_of(file: Path) -> dict[str, Settings]:
    """Return the settings that each gateway and worker of a compose file starts with."""
    return {name: load_settings(environ) for name, _, environ in our_services(file)}


def test_there_is_a_file_for_one_machine_for_a_cluster_and_for_the_middleware() -> None:
    assert {file.name.split(".")[1] for file in FILES} == {"standalone", "cluster", "middleware-demo"}


def test_they_follow_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", *map(str, FILES)]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout


@EVERY_FILE
def test_files_that_are_mounted_or_built_from_exist(file: Path) -> None:
    for service in load_compose(file)["services"].values():
        assert [path for path in host_files(service) if not path.exists()] == []
        if build := service.get("build"):
            context = (COMPOSE / build["context"]).resolve()
            assert context == ROOT
            assert (context / build["dockerfile"]).is_file()
            assert build["target"] in stages()


@EVERY_FILE
def test_volumes_and_networks_are_declared_and_used(file: Path) -> None:
    compose = load_compose(file)
    services = compose["services"].values()
    volumes = {mount.split(":")[0] for service in services for mount in service.get("volumes", ()) if mount[0] != "."}
    networks = {network for service in services for network in service.get("networks", ())}
    assert volumes == set(compose.get("volumes", {}))
    assert networks == set(compose.get("networks", {}))


@EVERY_FILE
def test_images_of_others_are_pinned(file: Path) -> None:
    images = {service["image"] for service in load_compose(file)["services"].values() if "build" not in service}
    assert [image for image in images if not re.search(r":v?\d+\.\d+[\w.-]*$", image)] == []


@EVERY_FILE
def test_variables_come_from_the_example_of_env(file: Path) -> None:
    text = (COMPOSE / "env.example").read_text()
    known = set(re.findall(r"^#?(\w+)=", text, re.MULTILINE)) | {"REDIS_PORT", "QDRANT_PORT"}
    assert named_variables(file) <= known


@EVERY_FILE
def test_no_password_is_written_down(file: Path) -> None:
    secret = re.compile(r"PASSWORD|SECRET|TOKEN|API_KEY|AUTH$")
    services = read_yaml(file)["services"].values()
    variables = [item for service in services for item in service.get("environment", {}).items()]
    literal = [name for name, value in variables if secret.search(name) and not value.startswith("${")]
    assert [name for name in literal if not name.endswith("_ENV")] == []


@EVERY_FILE
def test_our_processes_understand_every_setting(file: Path) -> None:
    settings_of(file)  # raises with all faults
    for _, service, _ in our_services(file):
        names = [name for name in service["environment"] if name.startswith("MEMORYOS_")]
        assert [name for name in names if not name.startswith(PREFIX) and name not in PLAIN_VARIABLES] == []


@EVERY_FILE
def test_our_processes_write_to_their_volumes_and_tmp_only(file: Path) -> None:
    for name, service, environ in our_services(file):
        assert (service["read_only"], service["tmpfs"], service["cap_drop"]) == (True, ["/tmp"], ["ALL"]), name
        if "gateway" in name:
            assert environ["MEMORYOS_DATA_DIR"] in {mount.split(":")[1] for mount in service["volumes"]}


@EVERY_FILE
def test_processes_are_given_more_time_to_stop_than_they_take(file: Path) -> None:
    settings = settings_of(file)
    for name, service, _ in our_services(file):
        assert float(service["stop_grace_period"].removesuffix("s")) > settings[name].worker.drain_s + 5


@EVERY_FILE
def test_health_checks_need_nothing_that_an_image_lacks(file: Path) -> None:
    ours = {name for name, _, _ in our_services(file)}  # their images bring one
    for name, service in load_compose(file)["services"].items():
        check = service.get("healthcheck")
        assert check or name in ours or service.get("profiles") == ["metrics"], name
        assert "curl" not in str(check)


def test_each_process_of_the_cluster_reaches_the_world_and_the_stores() -> None:
    networks = load_compose(CLUSTER)["networks"]
    assert networks["backend"] == {"internal": True}
    for name, service, _ in our_services(CLUSTER):
        assert set(service["networks"]) == {"outside", "backend"}, name  # a worker asks language models, too


def test_the_cluster_acknowledges_what_a_replica_has() -> None:
    options = (COMPOSE / "redis/redis.conf").read_text().splitlines()
    assert {"appendonly yes", "appendfsync always", "maxmemory-policy noeviction"} <= set(options)
    for name, settings in settings_of(CLUSTER).items():
        storage = settings.storage
        assert (storage.profile, storage.redis.mode, storage.redis.wait_replicas) == ("server", "sentinel", 1), name
        assert storage.redis.password is not None
        assert storage.qdrant.api_key is not None
        assert storage.qdrant.replication_factor > storage.qdrant.write_consistency_factor > 1
        assert settings.worker.async_pipeline is True


def test_the_cluster_has_two_of_what_may_fail_and_three_of_what_holds_data_or_votes() -> None:
    names = sorted(load_compose(CLUSTER)["services"])
    counted = Counter(name.rpartition("-")[0] for name in names)
    assert {kind: counted[kind] for kind in ("gateway", "worker")} == {"gateway": 2, "worker": 2}
    assert {kind: counted[kind] for kind in ("redis", "sentinel", "qdrant")} == {"redis": 3, "sentinel": 3, "qdrant": 3}


def test_one_redis_and_one_qdrant_node_may_be_away() -> None:
    names = load_compose(CLUSTER)["services"]
    replicas = sum(
        "PRIMARY" in each.get("environment", {}) for name, each in names.items() if name.startswith("redis-")
    )
    for settings in settings_of(CLUSTER).values():
        assert settings.storage.redis.wait_replicas < replicas
        assert settings.storage.qdrant.write_consistency_factor < settings.storage.qdrant.replication_factor


def test_hosts_and_ports_that_are_named_are_there() -> None:
    settings = settings_of(CLUSTER)
    ports = {name: each.server.port if "gateway" in name else each.worker.port for name, each in settings.items()}
    ports |= {f"qdrant-{n}": 6333 for n in (1, 2, 3)} | {f"sentinel-{n}": 26379 for n in (1, 2, 3)}
    ports["load-balancer"] = 6333
    proxied = re.findall(r"server ([\w-]+):(\d+)", (COMPOSE / "nginx/nginx.conf").read_text())
    scraped = re.findall(r'"([\w-]+):(\d+)"', (DEPLOY / "prometheus/prometheus.yml").read_text())
    watched = [host.split(":") for each in settings.values() for host in each.storage.redis.sentinels]
    indexed = [each.storage.qdrant.url.removeprefix("http://").split(":") for each in settings.values()]

    named = {(host, int(port)) for host, port in [*proxied, *scraped, *watched, *indexed]}

    assert named == set(ports.items())


@pytest.mark.parametrize(("name", "service"), [("standalone", "gateway"), ("cluster", "load-balancer")])
def test_what_is_published_is_where_somebody_listens(name: str, service: str) -> None:
    file = COMPOSE / f"docker-compose.{name}.yml"
    (published,) = load_compose(file)["services"][service]["ports"]
    assert published == "127.0.0.1:8080:8080"
    assert {settings.server.port for settings in settings_of(file).values()} == {8080}


def test_the_middleware_without_passwords_is_on_loopback_only() -> None:
    services = load_compose(COMPOSE / "docker-compose.middleware-demo.yml")["services"]
    published = [port for service in services.values() for port in service["ports"]]
    assert published == ["127.0.0.1:6379:6379", "127.0.0.1:6333:6333"]


def test_what_the_example_of_env_asks_for_is_used() -> None:
    used = set().union(*(named_variables(file) for file in FILES)) | {"MEMORYOS_KEY"}
    assert set(example_env()) <= used
