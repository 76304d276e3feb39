"""Judging what a person shows to a challenge, each method in its own way."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django_otp import verify_token

from audit.api import Kind
from authlevels.attempt_errors import refusal_of
from authlevels.errors import WrongCode
from authlevels.judgement import Aside, Right, Wrong
from authlevels.methods import ChallengeMethod
from authlevels.models import Challenge, TotpDevice, User
from authlevels.passkey_judging import judge_passkey
from authlevels.passwords import is_right_password
from authlevels.policy import limit_for
from authlevels.throttling import DISABLE_AFTER
from authlevels.totp import PresentedCode
from tiergate import Authenticator, SessionFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a person shows. code: a one-time code, or the password. credential: of a passkey, as the browser gave it."""

    method: ChallengeMethod
    code: str = ""
    credential: Any = None


def judge(
    shown: Shown,
    row: Challenge,
    *,
    user: User,
    facts: SessionFacts,
    usable: tuple[Authenticator, ...],
    attempts_left: int,
    at: datetime,
) -> Right | Wrong:
    """Judge what is shown against the authenticators of its method that would do, one at least.

    In the challenge's transaction, with its row locked. attempts_left: of the password, which is charged beforehand.
    """
    if shown.method == ChallengeMethod.PASSKEY:
        return judge_passkey(shown.credential, row, user=user, facts=facts, usable=usable, at=at)
    if shown.method == ChallengeMethod.TOTP:
        code = PresentedCode(code=shown.code, at=at, limit=limit_for(user, tenant_id=row.tenant_id))
        return _judge_code(code, user=user, usable=usable)
    if is_right_password(user, shown.code):
        return Right(authenticator=usable[0])
    error = WrongCode("The password is not right.", attempts_left=attempts_left)
    return Wrong(why="wrong", error=error, attempts_left=attempts_left)


def _judge_code(shown: PresentedCode, *, user: User, usable: tuple[Authenticator, ...]) -> Right | Wrong:
    """Judge a one-time code, under its device's lock."""
    authenticator = usable[0]
    handle = authenticator.authenticator.removeprefix("totp:")
    device = TotpDevice.objects.filter(user=user, handle=handle).first()
    if device is not None and verify_token(user, device.persistent_id, shown) is not None:
        return Right(authenticator=authenticator)
    asides: tuple[Aside, ...] = ()
    if shown.has_disabled is not None:
        told = {"factor": "totp", "why": f"{DISABLE_AFTER} wrong codes in a row"}
        asides = (Aside(kind=Kind.FACTOR_DISABLED, told=told, personal={"id": str(shown.has_disabled)}),)
    return Wrong(why=shown.verdict.value, error=refusal_of(shown), attempts_left=shown.attempts_left, asides=asides)
