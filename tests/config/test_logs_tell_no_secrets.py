"""An error in the log names the place, and never what was shown to us there."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
FAILING = """
import django
django.setup()
import structlog
def resolve(secret):
    raise RuntimeError("the database is away")
try:
    resolve("tgk_" + "shown" * 8)
except RuntimeError:
    structlog.get_logger("t").error("failed", exc_info=True)
"""


def _logged(log_format: str) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", FAILING],
        cwd=CHECKOUT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "TIERGATE_LOG_FORMAT": log_format},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return ran.stderr


@pytest.mark.storm
def test_neither_format_prints_local_variables() -> None:
    for log_format in ("json", "console"):
        logged = _logged(log_format)
        assert "the database is away" in logged
        assert "shown" * 8 not in logged
