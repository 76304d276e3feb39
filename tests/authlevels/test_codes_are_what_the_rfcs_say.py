"""RFC 4226 appendix D, RFC 6238 appendix B, and another implementation."""

from datetime import UTC, datetime

import pyotp
import pytest

from authlevels.provisioning import decode_secret
from authlevels.totp import code_at_step, secret_text

SHA1_KEY = b"12345678901234567890"
SHA256_KEY = b"12345678901234567890123456789012"


def test_rfc_4226_appendix_d() -> None:
    table = "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489"
    assert [code_at_step(SHA1_KEY, step) for step in range(10)] == table.split()


@pytest.mark.parametrize(
    ("seconds", "sha1", "sha256"),
    [
        (59, "94287082", "46119246"),
        (1111111109, "07081804", "68084774"),
        (1111111111, "14050471", "67062674"),
        (1234567890, "89005924", "91819424"),
        (2000000000, "69279037", "90698825"),
        (20000000000, "65353130", "77737706"),
    ],
)
def test_rfc_6238_appendix_b(seconds: int, sha1: str, sha256: str) -> None:
    assert code_at_step(SHA1_KEY, seconds // 30, digits=8) == sha1
    assert code_at_step(SHA256_KEY, seconds // 30, digits=8, algorithm="SHA256") == sha256


def test_another_implementation_agrees() -> None:
    at = datetime(2026, 11, 22, 12, tzinfo=UTC)
    for number in range(50):
        key = bytes([number]) * 20
        assert code_at_step(key, int(at.timestamp()) // 30) == pyotp.TOTP(secret_text(key)).at(at)


@pytest.mark.parametrize("text", ["", "JBSWY3DP", "0189", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PX!", "é" * 32])
def test_a_secret_that_is_none_or_too_short_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="TOTP secret"):
        decode_secret(text)


def test_a_secret_is_read_as_people_write_it() -> None:
    assert decode_secret("jbsw y3dp ehpk 3pxp jbsw y3dp ehpk 3pxp") == decode_secret("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
