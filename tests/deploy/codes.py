"""Codes of authenticator apps, of the steps around now."""

import pyotp

from isolation.clock import now


def code_in_steps(secret: str, steps: int) -> str:
    """Compute the code that an app showed, shows, or will show some steps of 30 s from now."""
    return pyotp.TOTP(secret).at(now(), counter_offset=steps)
