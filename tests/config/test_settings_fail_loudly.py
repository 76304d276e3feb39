"""A production that lacks something does not start, and says what in a sentence."""

import base64
import json
import os
import runpy
import subprocess
import sys
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.embedded import paths

WHOLE = {
    "PATH": "/usr/bin:/bin",
    "DATABASE_URL": "postgresql://tiergate_app:x@db.internal/tiergate",
    "REDIS_URL": "redis://cache.internal/0",
    "TIERGATE_BASE_URL": "https://access.example",
    "TIERGATE_SECRET_KEY": "k" * 50,
    "TIERGATE_KEYRING": json.dumps({"k1": base64.b64encode(bytes(32)).decode()}),
}


def _start(environment: dict[str, str], ask: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", f"from config import settings as s; {ask}"],
        cwd=paths.CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _read(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> dict[str, Any]:
    """Read the settings in this process, as a start does first of all."""
    for name in os.environ:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(str(paths.CHECKOUT / "config" / "settings.py"))


@pytest.mark.storm
def test_a_whole_production_starts_without_the_embedded_services() -> None:
    done = _start(WHOLE, "print(s.EMBEDDED, sorted(s.DATABASES), s.CSRF_COOKIE_SECURE, s.DEBUG)")
    assert (done.stdout, done.stderr) == ("False ['default'] True False\n", "")


@pytest.mark.storm
@pytest.mark.parametrize("name", sorted(set(WHOLE) - {"PATH"}))
def test_each_missing_value_is_named(name: str) -> None:
    done = _start({key: value for key, value in WHOLE.items() if key != name})
    assert done.returncode == 1
    assert f"ImproperlyConfigured: {name} " in done.stderr.splitlines()[-1]


KEY = base64.b64encode(bytes(32)).decode()
OTHER = base64.b64encode(bytes([1]) * 32).decode()
SWEEP = "postgresql://tiergate_sweep:x@db.internal/tiergate"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIERGATE_SECRET_KEY", "short"),
        ("TIERGATE_KEYRING", "not json"),
        ("TIERGATE_KEYRING", "[]"),
        ("TIERGATE_KEYRING", "{}"),
        ("TIERGATE_KEYRING", '{"k1": 7}'),
        ("TIERGATE_KEYRING", json.dumps({"k1": base64.b64encode(bytes(16)).decode()})),
        ("TIERGATE_KEYRING", f'{{"k1": "{KEY}", "k1": "{OTHER}"}}'),
        ("TIERGATE_KEYRING", f'{{"k1": "{KEY}", "k2": "{KEY}"}}'),
        ("TIERGATE_KEYRING", f'{{"k 1": "{KEY}"}}'),
        ("TIERGATE_KEYRING", f'{{"": "{KEY}"}}'),
        ("TIERGATE_BASE_URL", "http://access.example"),
        ("TIERGATE_BASE_URL", "https://"),
        ("TIERGATE_BASE_URL", "access.example"),
        ("TIERGATE_BASE_URL", "https://access.example:port"),
        ("TIERGATE_BASE_URL", "https://access.example/tiergate"),
        ("TIERGATE_BASE_URL", "https://user:x@access.example"),
        ("TIERGATE_WEBAUTHN_RP_ID", "elsewhere.example"),
        ("TIERGATE_WEBAUTHN_ORIGINS", "https://notaccess.example"),
        ("TIERGATE_WEBAUTHN_ORIGINS", "http://access.example"),
        ("TIERGATE_WEBAUTHN_ORIGINS", "https://access.example/path"),
        ("TIERGATE_ATTESTATION_ROOTS", "/nowhere"),
        ("TIERGATE_ATTESTATION_ROOTS", "/proc/self/fd"),
        ("TIERGATE_ALLOWED_HOSTS", "*"),
        ("TIERGATE_ALLOWED_HOSTS", "a.example,*.b.example"),
        ("TIERGATE_TRUSTED_PROXIES", "-1"),
        ("TIERGATE_TRUSTED_PROXIES", "many"),
        ("TIERGATE_POOL_SIZE", "0"),
        ("TIERGATE_POOL_SIZE", "8.5"),
        ("TIERGATE_PROCESS", "decision"),
        ("TIERGATE_METRICS_TOKEN", "too short"),
        ("PROMETHEUS_MULTIPROC_DIR", "/proc/self/nowhere"),
        ("PROMETHEUS_MULTIPROC_DIR", "/etc/passwd"),
        ("TIERGATE_DEMO", "ture"),
        ("TIERGATE_LOG_FORMAT", "xml"),
        ("TIERGATE_LOG_LEVEL", "LOUD"),
        ("DATABASE_URL", "db.internal"),
        ("DATABASE_URL", "mysql://tiergate_app:x@db.internal/tiergate"),
        ("DATABASE_URL", "postgresql://db.internal/tiergate"),
        ("DATABASE_URL", "postgresql://tiergate_app:x@db.internal"),
        ("DATABASE_URL", "postgresql://tiergate_app:x@db.internal:54x/tiergate"),
        ("DATABASE_SWEEP_URL", "postgresql://tiergate_app:x@db.internal/tiergate"),
        ("DATABASE_OWNER_URL", "postgresql://tiergate_app:y@elsewhere/tiergate"),
        ("REDIS_URL", "cache.internal"),
        ("REDIS_URL", "http://cache.internal/0"),
    ],
)
def test_each_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        _read(monkeypatch, {**WHOLE, name: value})
    said = str(refused.value)
    assert said.startswith(f"{name} ")
    assert said.endswith(".")
    if name.startswith(("DATABASE", "REDIS")) or "SECRET" in name or "TOKEN" in name:
        assert value not in said, "an address of a database has a password in it"
    assert KEY not in said


@pytest.mark.parametrize(
    ("process", "aliases"),
    [
        ("web", "default owner sweep"),
        ("worker", "default owner sweep"),
        ("decide", "default"),
        ("beat", "default"),
    ],
)
def test_who_needs_no_role_but_the_apps_has_no_other(
    monkeypatch: pytest.MonkeyPatch, process: str, aliases: str
) -> None:
    urls = {"DATABASE_SWEEP_URL": SWEEP, "DATABASE_OWNER_URL": SWEEP.replace("sweep", "owner")}
    read = _read(monkeypatch, {**WHOLE, **urls, "TIERGATE_PROCESS": process})
    assert " ".join(sorted(read["DATABASES"])) == aliases


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIERGATE_KEYRING", f'{{"2026b": "{OTHER}", "2026a": "{KEY}"}}'),
        ("DATABASE_URL", "postgres://tiergate_app@/tiergate?host=%2Frun%2Fpostgresql&sslmode=disable"),
        ("REDIS_URL", "rediss://:x@cache.internal:6380/1"),
        ("REDIS_URL", "unix:///run/valkey?db=1"),
        ("TIERGATE_BASE_URL", "https://access.example:8443/"),
        ("TIERGATE_METRICS_TOKEN", "m" * 32),
        ("TIERGATE_METRICS_TOKEN", ""),
        ("TIERGATE_PROCESS", ""),
    ],
)
def test_whatever_is_right_is_taken(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    assert _read(monkeypatch, {**WHOLE, name: value})["EMBEDDED"] is False


def test_no_setting_of_a_database_wraps_requests_in_a_transaction() -> None:
    done = _start(
        {
            **WHOLE,
            "DATABASE_SWEEP_URL": "postgresql://tiergate_sweep:x@db.internal/tiergate",
            "DATABASE_OWNER_URL": "postgresql://tiergate_owner:x@db.internal/tiergate",
        },
        "print([(a, d['ATOMIC_REQUESTS'], d['CONN_MAX_AGE']) for a, d in s.DATABASES.items()])",
    )
    assert done.stdout == "[('default', False, 0), ('sweep', False, 0), ('owner', False, 0)]\n"
    assert os.environ["TIERGATE_TESTING"] == "1"
