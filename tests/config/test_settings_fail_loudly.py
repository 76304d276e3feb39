"""A production that lacks something does not start, and says what in a sentence."""

import base64
import json
import os
import subprocess
import sys

import pytest

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


def test_a_whole_production_starts_without_the_embedded_services() -> None:
    done = _start(WHOLE, "print(s.EMBEDDED, sorted(s.DATABASES), s.CSRF_COOKIE_SECURE, s.DEBUG)")
    assert (done.stdout, done.stderr) == ("False ['default'] True False\n", "")


@pytest.mark.parametrize("name", sorted(set(WHOLE) - {"PATH"}))
def test_each_missing_value_is_named(name: str) -> None:
    done = _start({key: value for key, value in WHOLE.items() if key != name})
    assert done.returncode == 1
    assert f"ImproperlyConfigured: {name} " in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIERGATE_SECRET_KEY", "short"),
        ("TIERGATE_KEYRING", "not json"),
        ("TIERGATE_KEYRING", "[]"),
        ("TIERGATE_KEYRING", "{}"),
        ("TIERGATE_KEYRING", json.dumps({"k1": base64.b64encode(bytes(16)).decode()})),
        ("TIERGATE_BASE_URL", "http://access.example"),
        ("TIERGATE_BASE_URL", "https://"),
        ("TIERGATE_TRUSTED_PROXIES", "-1"),
        ("TIERGATE_TRUSTED_PROXIES", "many"),
        ("TIERGATE_DEMO", "ture"),
        ("TIERGATE_LOG_FORMAT", "xml"),
    ],
)
def test_each_wrong_value_is_named(name: str, value: str) -> None:
    done = _start({**WHOLE, name: value})
    assert done.returncode == 1
    assert f"ImproperlyConfigured: {name} " in done.stderr.splitlines()[-1]


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
