"""Turning a refused code into the error that its presenter may see."""

from typing import NoReturn

from authlevels.errors import CodeAlreadyUsed, MethodUnavailable, Throttled, WrongCode
from authlevels.totp import PresentedCode, Verdict


def refuse(shown: PresentedCode) -> NoReturn:
    """Raise what a code that was not accepted amounts to.

    :raises Throttled: too many wrong ones in a row; nothing is judged until the pause ends.
    :raises MethodUnavailable: the factor cannot be used.
    :raises CodeAlreadyUsed: right, but accepted before.
    :raises WrongCode: anything else.
    """
    if shown.verdict == Verdict.LOCKED and shown.locked_until is not None:
        seconds = int((shown.locked_until - shown.at).total_seconds()) + 1
        raise Throttled("Too many wrong codes. Wait before you try again.", retry_after=seconds)
    if shown.verdict == Verdict.UNUSABLE:
        raise MethodUnavailable("This factor cannot be used.")
    if shown.verdict == Verdict.ALREADY_USED:
        raise CodeAlreadyUsed("This code was used already. Wait for the next one.", attempts_left=shown.attempts_left)
    raise WrongCode("The code is not right.", attempts_left=shown.attempts_left)
