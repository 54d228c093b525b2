"""deploy_remote.sh against a host that is a directory: ssh, rsync and docker are stand-ins."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.deploy.files import SCRIPTS
from tests.deploy.stand_ins import StandIns

OLD = "20260101T000000Z"

SSH = 'cd "$REMOTE_HOME"; exec bash -c "${@: -1}"'
RSYNC = 'target=${@: -1}; cp -r --parents ./deploy ./requirements.lock ./.dockerignore "$REMOTE_HOME/${target#*:}"'
DOCKER = """
echo "  version $MEMORYOS_VERSION" >>"$REMOTE_HOME/versions"
case $* in
*" config --services") echo gateway; echo prometheus ;;
*" build") [ ! -f "$REMOTE_HOME/cannot-build" ] ;;
*"health --ready") grep -qx "$MEMORYOS_VERSION" "$REMOTE_HOME/healthy" || [ ! -f "$REMOTE_HOME/new-is-broken" ] ;;
esac
"""


class Host:
    """The machine that is deployed to, and what was called there and here."""

    def __init__(self, directory: Path) -> None:
        self.home = directory / "home"
        self.path = self.home / "memoryos"
        (self.path / "shared").mkdir(parents=True)
        (self.path / "shared/.env").write_text("MEMORYOS_KEY=k\n")
        (self.home / "healthy").write_text(f"{OLD}\n")
        self._stand_ins = StandIns(directory)
        for name, script in (("ssh", SSH), ("rsync", RSYNC), ("docker", DOCKER)):
            self._stand_ins.add(name, script)

    @property
    def calls(self) -> list[str]:
        """Every call of ssh, rsync and docker, in order."""
        return self._stand_ins.calls

    @property
    def current(self) -> str:
        """The release in use."""
        return (self.path / "current").resolve().name

    @property
    def releases(self) -> list[str]:
        """The releases on the host, oldest first."""
        return sorted(path.name for path in (self.path / "releases").iterdir())

    def has(self, *releases: str) -> None:
        """Put releases there; the last one is in use."""
        for release in releases:
            (self.path / "releases" / release / "deploy/compose").mkdir(parents=True)
            (self.path / "current").unlink(missing_ok=True)
            (self.path / "current").symlink_to(f"releases/{release}")

    def mark(self, fault: str) -> None:
        """Make the next deployment fail that way."""
        (self.home / fault).touch()

    def deploy(self, **environ: str) -> subprocess.CompletedProcess[str]:
        """Run the script, with no patience for a gateway that is not ready."""
        given = {
            "PATH": self._stand_ins.before(os.environ["PATH"]),
            "REMOTE_HOME": str(self.home),
            "MEMORYOS_DEPLOY_HOST": "me@host.example.org",
            "MEMORYOS_DEPLOY_PORT": "2222",
            "MEMORYOS_DEPLOY_TIMEOUT_S": "0",
        }
        command = [SCRIPTS / "deploy_remote.sh"]
        return subprocess.run(
            command, env={**os.environ, **given, **environ}, capture_output=True, text=True, timeout=60
        )


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Return a host with shared/.env and no release."""
    return Host(tmp_path)


def test_a_release_is_copied_built_started_and_found_ready(host: Host) -> None:
    deployed = host.deploy()

    assert deployed.returncode == 0, deployed.stderr
    assert host.releases == [host.current]
    release = host.path / "releases" / host.current
    assert (release / "deploy/docker/Dockerfile").is_file()
    assert (release / "deploy/compose/.env").read_text() == "MEMORYOS_KEY=k\n"
    docker = [call.split(".yml ")[1] for call in host.calls if call.startswith("docker compose")]
    assert docker == [
        "build",
        "up --detach --remove-orphans --no-build",
        "config --services",
        "exec -T gateway memoryos-gateway health --ready",
    ]
    assert set((host.home / "versions").read_text().split()) == {"version", host.current}


def test_ssh_and_rsync_go_to_the_port_of_the_host(host: Host) -> None:
    host.deploy()
    assert {call.split(" set -eu")[0] for call in host.calls if call.startswith("ssh")} == {
        "ssh -p 2222 me@host.example.org"
    }
    (copied,) = [call for call in host.calls if call.startswith("rsync")]
    assert "--rsh ssh -p 2222" in copied
    assert "--exclude .env" in copied
    assert copied.endswith(f"./packages ./deploy me@host.example.org:memoryos/releases/{host.current}/")


def test_the_next_release_sends_only_what_differs(host: Host) -> None:
    host.has(OLD)
    assert host.deploy().returncode == 0
    (copied,) = [call for call in host.calls if call.startswith("rsync")]
    assert f"--link-dest ../{OLD}/" in copied
    assert host.releases == [OLD, host.current]


def test_a_release_that_does_not_get_ready_is_rolled_back(host: Host) -> None:
    host.has(OLD)
    host.mark("new-is-broken")

    deployed = host.deploy()

    assert deployed.returncode == 1
    assert f"{OLD} serves again" in deployed.stderr
    assert host.current == OLD
    started = [call for call in host.calls if " up " in call and call.startswith("docker")]
    assert [f"releases/{OLD}/" in call for call in started] == [False, True]


def test_a_release_that_cannot_be_built_changes_nothing(host: Host) -> None:
    host.has(OLD)
    host.mark("cannot-build")

    deployed = host.deploy()

    assert deployed.returncode == 1
    assert "nothing was changed" in deployed.stderr
    assert (host.current, host.releases) == (OLD, [OLD])
    assert not any(" up " in call for call in host.calls if call.startswith("docker"))


def test_a_first_release_that_does_not_get_ready_stays_for_a_look(host: Host) -> None:
    host.mark("new-is-broken")
    deployed = host.deploy()
    assert deployed.returncode == 1
    assert "there is no release before it" in deployed.stderr
    assert host.releases == [host.current]


def test_a_host_without_settings_is_refused_before_anything_is_copied(host: Host) -> None:
    (host.path / "shared/.env").unlink()
    deployed = host.deploy()
    assert deployed.returncode == 1
    assert "shared/.env" in deployed.stderr
    assert not any(call.startswith("rsync") for call in host.calls)


def test_old_releases_go_with_their_images_and_the_last_stay(host: Host) -> None:
    old = [f"2026010{day}T000000Z" for day in range(1, 6)]
    host.has(*old)
    assert host.deploy().returncode == 0
    assert host.releases == [*old[-2:], host.current]
    removed = [call.split()[-1] for call in host.calls if call.startswith("docker image rm")]
    assert removed == [f"memoryos-worker:{release}" for release in old[:3]]


def test_a_dry_run_prints_the_commands_and_runs_none(host: Host) -> None:
    deployed = host.deploy(DRY_RUN="1", MEMORYOS_DEPLOY_COMPOSE="cluster")
    assert deployed.returncode == 0
    assert host.calls == []
    for word in ("ssh -p 2222 me@host.example.org", "rsync --archive", "docker-compose.cluster.yml", "build"):
        assert word in deployed.stdout.replace("\\ ", " ")
    assert deployed.stderr.splitlines()[-1] == "dry run: nothing was done"
    assert "serves" not in deployed.stderr
