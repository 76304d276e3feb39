"""Judging a passkey that is shown to a challenge, under the lock of its row."""

from datetime import datetime
from typing import Final

from msgspec import structs

import licensing.api
from audit.api import Kind
from authlevels import throttling
from authlevels.attempts import AttemptLimit
from authlevels.ceremonies import use_up
from authlevels.ending import EndedBecause, end_elevations_resting_on
from authlevels.errors import PasskeyCloned, PasskeyRefused, Throttled
from authlevels.judgement import Aside, Right, Wrong
from authlevels.models import Challenge, PasskeyDevice, User
from authlevels.passkey_reading import Presented, Signed, Unproven, read_presented, read_signed
from authlevels.passkey_worth import rests_on_verification
from authlevels.policy import limit_for
from authlevels.relying_party import RelyingParty, relying_party
from tiergate import Authenticator, SessionFacts

_SENTENCES: Final = {
    "not_verified": "Your device did not check that it is you: unlock the key by PIN, finger or face.",
    "wrong_origin": "The passkey was shown on another site.",
    "not_asked": "This was asked for elsewhere, answered before, or too long ago. Try again.",
    "unknown": "This passkey is none of those that would do here.",
    "overtaken": "The passkey was used elsewhere meanwhile. Try again.",
}


def judge_passkey(
    shown: object,
    row: Challenge,
    *,
    user: User,
    facts: SessionFacts,
    usable: tuple[Authenticator, ...],
    at: datetime,
) -> Right | Wrong:
    """Judge what the browser gave, and record on the key that it was shown (WebAuthn Level 3, section 7.2).

    usable: the passkeys that would do, if all that they can is shown. What is asked is used up, right or wrong.
    """
    rp = relying_party()
    try:
        presented = read_presented(shown, rp=rp)
        asked_at = _use_up(presented, row, user, at=at)
        device, authenticator = _known(presented, user, usable)
    except Unproven as unproven:
        return _wrong(unproven.why)
    limit = limit_for(user, tenant_id=row.tenant_id)
    if device.locked_until is not None and at < device.locked_until:
        seconds = int((device.locked_until - at).total_seconds()) + 1
        return Wrong(
            why="locked", error=Throttled("Too many attempts. Wait before you try again.", retry_after=seconds)
        )
    try:
        signed = _signed(presented, device, rp)
    except Unproven as unproven:
        return _counted(device, unproven.why, limit=limit, at=at)
    if max(signed.sign_count, device.sign_count) > 0 and signed.sign_count <= device.sign_count:
        return _cloned(row, device, signed, asked_at=asked_at, at=at)
    is_verified = authenticator.user_verified and signed.is_user_verified
    device.sign_count, device.is_synced, device.last_used_at = signed.sign_count, signed.is_synced, at
    if not is_verified and rests_on_verification(row, facts, authenticator, at=at):
        return _counted(device, "not_verified", limit=limit, at=at)
    throttling.note_success(device)
    _save(device)
    really = structs.replace(authenticator, user_verified=is_verified)
    return Right(authenticator=really, told={"user_verified": is_verified})


def _use_up(presented: Presented, row: Challenge, user: User, *, at: datetime) -> datetime:
    asked_at = use_up(
        presented.challenge,
        tenant_id=row.tenant_id,
        session_id=row.session_id,
        user_id=user.id,
        challenge=row,
        at=at,
    )
    if asked_at is None:
        raise Unproven("not_asked")
    return asked_at


def _may_be_overtaken(device: PasskeyDevice, signed: Signed, *, asked_at: datetime) -> bool:
    """Say whether a key may have signed this before what it showed last, though it comes after it, as from another tab.

    Only where it was asked for before the last count was taken down, and a count less than that: no key signs with
    one count twice. Such an answer is refused, and whoever asks anew is asked by what came last.
    """
    return signed.sign_count < device.sign_count and asked_at < (device.last_used_at or device.created_at)


def _known(presented: Presented, user: User, usable: tuple[Authenticator, ...]) -> tuple[PasskeyDevice, Authenticator]:
    """Return the person's key, its row locked, with what it means, if it is one that would do."""
    device = PasskeyDevice.objects.select_for_update().filter(user=user, credential_id=presented.id).first()
    if device is not None and presented.user_handle in {b"", user.id.bytes}:
        for one in usable:
            if one.authenticator == f"passkey:{device.handle}":
                return device, one
    raise Unproven("unknown")


def _signed(presented: Presented, device: PasskeyDevice, rp: RelyingParty) -> Signed:
    """Return what the key said, if it still says of itself that it can, or cannot, be synced."""
    signed = read_signed(presented, public_key=bytes(device.public_key), rp=rp)
    if signed.is_sync_capable != device.is_sync_capable:
        raise Unproven("changed")
    return signed


def _wrong(why: str, *, attempts_left: int = 0) -> Wrong:
    sentence = _SENTENCES.get(why, "What the passkey showed is not right.")
    return Wrong(why=why, error=PasskeyRefused(sentence, why=why), attempts_left=attempts_left)


def _counted(device: PasskeyDevice, why: str, *, limit: AttemptLimit, at: datetime) -> Wrong:
    """Count against the key; a signature cannot be guessed, so that no number of wrong ones wears it out."""
    throttling.note_refusal(device, limit=limit, at=at)
    _save(device)
    return _wrong(why, attempts_left=throttling.attempts_left(device, limit=limit))


def _cloned(row: Challenge, device: PasskeyDevice, signed: Signed, *, asked_at: datetime, at: datetime) -> Wrong:
    """Take a key out of use whose counter did not grow, unless another tab explains it: of two, one may be a thief's."""
    if _may_be_overtaken(device, signed, asked_at=asked_at):
        return _wrong("overtaken")
    device.disabled_at = at
    _save(device)
    end_elevations_resting_on(
        tenant_id=row.tenant_id,
        authenticator=f"passkey:{device.handle}",
        why=EndedBecause.FACTOR_CLONED,
        by=f"{row.subject_type}:{row.subject_id}",
        at=at,
    )
    licensing.api.publish("person", str(device.user_id))
    told = {"factor": "passkey", "count": signed.sign_count, "last": device.sign_count}
    personal = {"id": str(device.handle), "name": device.name}
    return Wrong(
        why="cloned",
        error=PasskeyCloned(
            "There seem to be two of this passkey. It is not taken any more: remove it, and tell your administrator."
        ),
        asides=(Aside(kind=Kind.FACTOR_CLONED, told=told, personal=personal),),
    )


def _save(device: PasskeyDevice) -> None:
    device.save(update_fields=["sign_count", "is_synced", "last_used_at", *throttling.COUNTED])
