"""Codes against OATH Toolkit's own program, which shares no line with ours."""

import os
import shutil
import subprocess

import pytest

from authlevels.totp import code_at_step, secret_text

pytestmark = pytest.mark.storm

OATHTOOL = shutil.which("oathtool")


def test_oathtool_is_there_where_the_build_runs() -> None:
    if OATHTOOL is None and not os.environ.get("CI"):
        pytest.skip("OATHTOOL IS MISSING: codes are compared with it in the build alone; apt-get install oathtool.")
    assert OATHTOOL is not None, "the build installs oathtool"


@pytest.mark.skipif(OATHTOOL is None, reason="oathtool is missing")
@pytest.mark.parametrize(("algorithm", "digits"), [("SHA1", 6), ("SHA256", 6), ("SHA256", 8)])
def test_codes_are_those_of_oathtool(algorithm: str, digits: int) -> None:
    secret = bytes(range(7, 27))
    instants = (59, 1111111109, 20000000000)
    for instant in instants:
        said = subprocess.run(
            [
                *(str(OATHTOOL), f"--totp={algorithm.lower()}", "--base32", f"--digits={digits}"),
                *(f"--now=@{instant}", secret_text(secret)),
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        assert code_at_step(secret, instant // 30, digits=digits, algorithm=algorithm) == said
