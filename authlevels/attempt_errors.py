"""Turning a refused code into the error that its presenter may see."""

from typing import NoReturn

from authlevels.errors import CodeAlreadyUsed, MethodUnavailable, Throttled, WrongCode
from authlevels.totp import PresentedCode, Verdict
from tiergate import TiergateError


def refuse(shown: PresentedCode) -> NoReturn:
    """Raise what a code that was not accepted amounts to, as ``refusal_of`` says it."""
    raise refusal_of(shown)


def refusal_of(shown: PresentedCode) -> TiergateError:
    """Say what a code that was not accepted amounts to.

    ``Throttled``: too many wrong ones in a row; nothing is judged until the pause ends. ``MethodUnavailable``: the
    factor cannot be used. ``CodeAlreadyUsed``: right, but accepted before. ``WrongCode``: anything else.
    """
    if shown.verdict == Verdict.LOCKED and shown.locked_until is not None:
        seconds = int((shown.locked_until - shown.at).total_seconds()) + 1
        return Throttled("Too many wrong codes. Wait before you try again.", retry_after=seconds)
    if shown.verdict == Verdict.UNUSABLE:
        return MethodUnavailable("This factor cannot be used.")
    if shown.verdict == Verdict.ALREADY_USED:
        return CodeAlreadyUsed("This code was used already. Wait for the next one.", attempts_left=shown.attempts_left)
    return WrongCode("The code is not right.", attempts_left=shown.attempts_left)
