"""Passwords: chosen by NIST's rules, checked at the same cost whether or not the person exists."""

from functools import cache
from typing import Final
from uuid import UUID

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.password_validation import (
    MinimumLengthValidator,
    get_default_password_validators,
    validate_password,
)
from django.core.exceptions import ValidationError

from authlevels.errors import PasswordRefused
from authlevels.models import User
from tiergate import Authenticator, FactorKind

MIN_LENGTH_ALONE: Final = 15
MIN_LENGTH_WITH_SECOND: Final = 8
"""NIST SP 800-63B-4 §3.1.1.2: fifteen characters alone, eight where a second factor is enrolled."""

MAX_LENGTH: Final = 256
"""At least 64 must be taken; without an end, hashing would be a way to keep the server busy."""


def accept_password(password: str, user: User, *, has_second_factor: bool = False) -> None:
    """Check a password that somebody chooses: its length, and that it is not a known one.

    :raises PasswordRefused: says which rule.
    """
    shortest = MIN_LENGTH_WITH_SECOND if has_second_factor else MIN_LENGTH_ALONE
    if not shortest <= len(password) <= MAX_LENGTH:
        raise PasswordRefused(f"A password has {shortest} to {MAX_LENGTH} characters.")
    rules = [rule for rule in get_default_password_validators() if not isinstance(rule, MinimumLengthValidator)]
    try:
        validate_password(password, user, password_validators=rules)
    except ValidationError as error:
        raise PasswordRefused(" ".join(error.messages)) from error


def is_right_password(user: User | None, password: str) -> bool:
    """Say whether the password is the person's; for nobody it takes as long and is never right."""
    # HMAC, inside the hash, pads with NUL: a password and the same with NULs behind it would be one.
    is_possible = len(password) <= MAX_LENGTH and "\x00" not in password
    if user is None or not user.has_usable_password() or not is_possible:
        check_password(password[:MAX_LENGTH], _nobodys())
        return False
    return user.check_password(password)


def password_authenticator(user_id: UUID) -> Authenticator:
    """Describe a person's password as something that can be shown."""
    return Authenticator(method="pwd", authenticator=f"password:{user_id}", factor_kind=FactorKind.KNOWLEDGE)


def password_bucket(user: User) -> str:
    """Name the count of wrong passwords: one for every channel that takes it."""
    return f"password:{user.id}"


@cache
def _nobodys() -> str:
    return make_password("nobody's password, which no one may sign in with")
