"""What would serve unsafely does not start, and what was probably meant is said."""

import os
import subprocess
import sys

import pytest

from config.embedded import paths
from config.environment import unknown_names
from tests.config.test_settings_fail_loudly import WHOLE

SERVE = "import config.wsgi; print('serving')"


def _run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=paths.CHECKOUT,
        env={**WHOLE, "REDIS_URL": paths.valkey_url(), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.storm
@pytest.mark.parametrize("role", [paths.BOOTSTRAP, paths.OWNER])
def test_a_role_that_row_level_security_does_not_bind_serves_nobody(db: None, role: str) -> None:
    done = _run("-c", SERVE, DATABASE_URL=paths.database_url(role))
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "django.core.exceptions.ImproperlyConfigured: DATABASE_URL connects as"
    )
    assert "serving" not in done.stdout


@pytest.mark.storm
def test_the_check_command_says_so_too(db: None) -> None:
    done = _run("manage.py", "check", "--database", "default", DATABASE_URL=paths.database_url(paths.BOOTSTRAP))
    assert done.returncode == 1
    assert "(config.E001) DATABASE_URL connects as" in done.stderr


@pytest.mark.storm
def test_the_apps_role_serves(db: None) -> None:
    done = _run("-c", SERVE, DATABASE_URL=paths.database_url(paths.APP))
    assert (done.returncode, done.stdout) == (0, "serving\n"), done.stderr


@pytest.mark.storm
def test_a_database_that_is_away_stops_no_start() -> None:
    done = _run("-c", SERVE, DATABASE_URL="postgresql://tiergate_app@127.0.0.1:1/tiergate")
    assert (done.returncode, done.stdout) == (0, "serving\n"), done.stderr


@pytest.mark.storm
def test_a_misspelt_name_is_warned_of_with_the_one_that_was_meant(db: None) -> None:
    done = _run(
        "-c", SERVE, DATABASE_URL=paths.database_url(paths.APP), TIERGATE_METRIC_TOKEN="q" * 40, TIERGATE_PROCES="web"
    )
    assert done.returncode == 0
    assert "TIERGATE_METRIC_TOKEN is set, and nothing reads it." in done.stderr
    assert "Did you mean TIERGATE_METRICS_TOKEN?" in done.stderr
    assert "Did you mean TIERGATE_PROCESS?" in done.stderr
    assert "q" * 40 not in done.stderr


@pytest.mark.storm
def test_figures_of_one_worker_alone_are_warned_of(db: None) -> None:
    done = _run("-c", SERVE, DATABASE_URL=paths.database_url(paths.APP), TIERGATE_METRICS_TOKEN="q" * 40)
    assert "config.W002" in done.stderr
    assert "q" * 40 not in done.stderr


def test_what_the_tests_themselves_set_is_known() -> None:
    assert unknown_names(os.environ) == {}
