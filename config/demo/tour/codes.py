"""The codes that a person's phone would show."""

import pyotp

from isolation.clock import now


def right_code(secret: str) -> str:
    """Compute the code that an authenticator app shows now."""
    return pyotp.TOTP(secret).at(now())


def next_code(secret: str) -> str:
    """Compute the code that the app shows next, which is right a moment early: the one of now may be used already."""
    return pyotp.TOTP(secret).at(now(), counter_offset=1)


def wrong_code(secret: str) -> str:
    """Compute a code that is right neither now nor at any moment near."""
    totp, instant = pyotp.TOTP(secret), now()
    near = {totp.at(instant, counter_offset=offset) for offset in range(-3, 4)}
    return next(f"{number:06}" for number in range(10) if f"{number:06}" not in near)


def challenge_parameters(header: str) -> dict[str, str]:
    """Read the parameters of a ``WWW-Authenticate: Bearer`` header (RFC 9110 section 11.2, RFC 9470 section 3)."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() != "bearer":
        return {}
    found = {}
    while "=" in rest:
        name, _, rest = rest.partition("=")
        if rest.startswith('"'):
            value, _, rest = rest[1:].partition('"')
        else:
            value, _, rest = rest.partition(",")
        found[name.strip(" ,")] = value
    return found
