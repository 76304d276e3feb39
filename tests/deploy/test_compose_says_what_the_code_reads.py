"""compose.yaml is of the right shape, names what the code reads, and gives each process no more than it needs."""

import json
import re
import shlex
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml

from config.embedded import paths
from config.embedded.processes import wait_until
from deploy.commands import command_of

ROOT = Path(__file__).resolve().parents[2]
OURS = ("web", "decide", "worker", "beat", "migrate")
LAUNCHERS = {"TIERGATE_HOST", "TIERGATE_PORT", "TIERGATE_WORKERS", "TIERGATE_THREADS", "TIERGATE_PYTHON"}


def _made_env() -> dict[str, str]:
    said = subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "make-env"), "https://access.example"],
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(word.split("=", 1) for word in shlex.split(said.stdout))


def _read() -> set[str]:
    """Collect every name of a variable that the settings, or what they call, speak of."""
    sources = [
        ROOT / "config" / "settings.py",
        ROOT / "config" / "environment.py",
        *(ROOT / "config" / "embedded").glob("*.py"),
    ]
    return set(re.findall(r'"([A-Z][A-Z_]+)"', "\n".join(path.read_text() for path in sources)))


def _filled(value: str, given: dict[str, str]) -> str:
    """Fill in a value as the Compose Specification says: ${NAME:?why}, ${NAME:-default}, $$ for a dollar."""

    def fill(found: re.Match[str]) -> str:
        name, kind, rest = found["name"], found["kind"], found["rest"]
        if found[0] == "$$":
            return "$"
        if given.get(name):
            return given[name]
        assert kind != ":?", f"{name} is required, and deploy/make-env does not make it: {rest}"
        assert kind == ":-", f"{found[0]} has neither a default nor a reason"
        return str(rest)

    return re.sub(r"\$\$|\$\{(?P<name>[A-Z_]+)(?P<kind>:\?|:-)?(?P<rest>[^}]*)\}", fill, value)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    document = yaml.safe_load((ROOT / "compose.yaml").read_text())
    found: dict[str, Any] = document["services"]
    return found


@pytest.fixture(scope="module")
def environments(services: dict[str, Any]) -> dict[str, dict[str, str]]:
    given = _made_env()
    return {
        name: {key: _filled(value, given) for key, value in service.get("environment", {}).items()}
        for name, service in services.items()
    }


def test_it_is_of_the_shape_that_the_compose_specification_asks() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_every_process_is_there(services: dict[str, Any]) -> None:
    assert set(services) == {*OURS, "postgres", "valkey"}


@pytest.mark.parametrize("name", OURS)
def test_every_variable_that_is_given_is_read(name: str, environments: dict[str, dict[str, str]]) -> None:
    assert set(environments[name]) - _read() - LAUNCHERS == set()


@pytest.mark.storm
@pytest.mark.parametrize("name", OURS)
def test_the_settings_accept_what_is_given(name: str, environments: dict[str, dict[str, str]]) -> None:
    code = "from config import settings as s; import json; print(json.dumps([s.EMBEDDED, sorted(s.DATABASES)]))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environments[name]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    is_embedded, aliases = json.loads(done.stdout)
    assert not is_embedded
    # The owner's password is migrate's alone; decide has no role that reads across tenants.
    wanted = {"web": ["sweep"], "worker": ["sweep"], "migrate": ["owner"], "decide": [], "beat": []}
    assert aliases == ["default", *wanted[name]]


@pytest.mark.parametrize("name", ["web", "decide", "worker", "beat"])
def test_the_launcher_knows_each_process_by_its_variable(name: str, environments: dict[str, dict[str, str]]) -> None:
    process = environments[name]["TIERGATE_PROCESS"]
    assert process == name
    assert command_of(process, environments[name])[:2] in (["-m", "granian"], ["-m", "celery"])


@pytest.mark.parametrize("name", OURS)
def test_each_of_ours_may_write_nothing_and_gain_nothing(name: str, services: dict[str, Any]) -> None:
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    # A worker alone writes the trail's seals, and what is known of networks, which others read.
    writes, reads = ["seals:/seals", "networks:/networks"], ["networks:/networks:ro"]
    assert service.get("volumes", []) == {"worker": writes, "web": reads, "decide": reads}.get(name, [])
    assert not service.get("privileged", False)


def test_nothing_serves_before_the_schema_is_there(services: dict[str, Any]) -> None:
    for name in OURS[:-1]:
        after = {service: said["condition"] for service, said in services[name]["depends_on"].items()}
        assert after == {
            "migrate": "service_completed_successfully",
            "postgres": "service_healthy",
            "valkey": "service_healthy",
        }
    assert services["migrate"]["restart"] == "no"
    assert services["migrate"]["command"] == ["migrate"]


def test_only_the_two_servers_are_reached_and_only_from_this_machine(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:8000:8000"], "decide": ["127.0.0.1:8001:8000"]}
    for name in ("postgres", "valkey", "beat", "migrate"):
        assert services[name]["networks"] == ["inner"]


def test_everything_that_runs_on_says_whether_it_is_well(services: dict[str, Any]) -> None:
    for name in ("postgres", "valkey"):
        assert services[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    # The image has one; who is started once needs none.
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()
    assert [name for name in OURS if services[name].get("healthcheck", {}).get("disable")] == ["migrate"]


def test_every_file_that_is_mounted_is_there(services: dict[str, Any]) -> None:
    mounted = [volume.split(":")[0] for service in services.values() for volume in service.get("volumes", ())]
    files = [name for name in mounted if name.startswith(".")]
    assert files == ["./deploy/roles.sql"]
    assert all((ROOT / name).is_file() for name in files)


def test_valkey_starts_with_its_options(services: dict[str, Any], tmp_path: Path) -> None:
    program, *options = services["valkey"]["command"]
    assert program == "valkey-server"
    (server, *_) = paths.place().binaries.glob("*/valkey-server")
    given = _made_env()
    with (tmp_path / "log").open("wb") as output:
        running = subprocess.Popen(
            [str(server), *(_filled(option, given) for option in options), "--port", "0", "--unixsocket", "v"],
            cwd=tmp_path,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    url = f"unix://:{given['VALKEY_PASSWORD']}@{tmp_path}/v"

    def is_settled() -> bool:
        # Its socket is there a moment before anybody listens at it.
        with redis.Redis.from_url(url) as client, suppress(redis.ConnectionError):
            return running.poll() is not None or bool(client.ping())
        return False

    try:
        assert wait_until(is_settled, seconds=60)
        with redis.Redis.from_url(url) as client:
            found = client.config_get("maxmemory-policy", "appendonly", "appendfsync", "save")
        with redis.Redis.from_url(f"unix://{tmp_path}/v") as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
    finally:
        running.kill()
        running.wait()
    # Routine records wait in it for a worker.
    assert found == {"maxmemory-policy": "noeviction", "appendonly": "yes", "appendfsync": "everysec", "save": ""}


def test_secrets_are_new_each_time_and_no_two_are_the_same() -> None:
    first, second = _made_env(), _made_env()
    kept = {name for name in first if first[name] == second[name]}
    assert kept == {"TIERGATE_BASE_URL"}
    assert len(set(first.values())) == len(first)


def test_secrets_are_not_made_for_an_address_without_tls() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "make-env"), "http://access.example"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
