"""Passkeys, security keys and the authenticators of devices: asked for, enrolled, and asked to confirm."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from webauthn import generate_authentication_options, generate_registration_options, options_to_json
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

import audit.api
import licensing.api
from authlevels.ceremonies import CEREMONY_LIVES, begin, use_up
from authlevels.challenges import Presenter, check_presenter, facts_of, is_answerable, methods_of
from authlevels.errors import (
    ChallengeClosed,
    ChallengeNotFound,
    FactorAlreadyEnrolled,
    MethodUnavailable,
    PasskeyRefused,
    TooManyFactors,
)
from authlevels.factors import Factor, ceiling_of_new, record_factor, require_held_level
from authlevels.methods import ChallengeMethod
from authlevels.models import Challenge, PasskeyDevice, SessionRow, User
from authlevels.passkey_reading import NewKey, Unproven, read_new_key, read_presented
from authlevels.passkey_worth import rests_on_verification
from authlevels.principals import Session
from authlevels.public_ids import parse_challenge_ref
from authlevels.relying_party import NAME, relying_party
from isolation.api import tenant_transaction
from tiergate import SessionFacts

MAX_PASSKEYS: Final = 20
"""Of one person: each is named in what is asked of the browser."""

_MILLISECONDS: Final = int(CEREMONY_LIVES.total_seconds() * 1000)


def begin_passkey_enrolment(*, session: Session, facts: SessionFacts, at: datetime) -> dict[str, Any]:
    """Ask for a new passkey and return what ``navigator.credentials.create`` takes, as JSON (``publicKey``).

    facts: the session as it is now; it must hold the highest level that the person can reach.
    :raises HeldLevelNeeded: it does not, or its newest proof is too old.
    :raises TooManyFactors: the person has twenty.
    """
    require_held_level(facts, user_id=session.user_id, at=at)
    return ask_new(session=session, at=at)


def ask_new(*, session: Session, at: datetime) -> dict[str, Any]:
    """Ask for a new passkey in a session that may enrol one; who calls has made sure of that."""
    rp = relying_party()
    with tenant_transaction(session.tenant_id):
        user = User.objects.get(id=session.user_id)
        known = list(PasskeyDevice.objects.filter(user=user).order_by("id"))
        _refuse_more(len(known))
        challenge = begin(tenant_id=session.tenant_id, session_id=session.id, user_id=user.id, challenge=None, at=at)
        _record(audit.api.Kind.FACTOR_BEGUN, session, {}, at=at)
    options = generate_registration_options(
        rp_id=rp.id,
        rp_name=NAME,
        user_id=user.id.bytes,
        user_name=user.email or user.subject_id,
        challenge=challenge,
        timeout=_MILLISECONDS,
        # Which make a key is of is asked only where that can be worth something: browsers ask people first.
        attestation=AttestationConveyancePreference.DIRECT if rp.roots else AttestationConveyancePreference.NONE,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
        ),
        exclude_credentials=[_described(one) for one in known],
    )
    return json.loads(options_to_json(options))  # type: ignore[no-any-return]  # an object


def confirm_passkey_enrolment(
    *, session: Session, facts: SessionFacts, credential: object, at: datetime, name: str = ""
) -> Factor:
    """Enrol the passkey that the browser made.

    credential: what ``navigator.credentials.create`` gave, as an object read from JSON or its text.
    :raises HeldLevelNeeded: as for beginning it.
    :raises PasskeyRefused: it was not asked for, or is not right; says why.
    :raises FactorAlreadyEnrolled: somebody has it already.
    :raises TooManyFactors: as for beginning it.
    """
    require_held_level(facts, user_id=session.user_id, at=at)
    return take_new(
        session=session, ceiling=ceiling_of_new(facts, at=at).value, credential=credential, name=name, at=at
    )


def take_new(
    *,
    session: Session,
    ceiling: str,
    credential: object,
    name: str,
    at: datetime,
    spend: Callable[[], None] | None = None,
) -> Factor:
    """Enrol the passkey that the browser made in a session that may; who calls has made sure of that.

    spend: uses up what lets the session, in the transaction that enrols it; it raises where nothing does any more.
    """
    device, why = None, ""
    with tenant_transaction(session.tenant_id, durable=True):
        user = User.objects.select_for_update().get(id=session.user_id)
        _refuse_more(PasskeyDevice.objects.filter(user=user).count())
        try:
            device = _made(session, user, credential, name=name, ceiling=ceiling, at=at)
        except Unproven as unproven:
            why = unproven.why
            _record(audit.api.Kind.FACTOR_FAILED, session, {"why": why}, at=at)
        if device is not None:
            if spend is not None:
                spend()
            told = {
                "make": str(device.aaguid),
                "attested_by": device.attested_by,
                "is_sync_capable": device.is_sync_capable,
                "can_verify_user": device.can_verify_user,
            }
            record_factor(audit.api.Kind.FACTOR_ADDED, session, device, told, at=at)
            licensing.api.publish("person", str(session.user_id))
    if why == "known":
        raise FactorAlreadyEnrolled("This passkey is enrolled already.")
    if device is None:
        raise PasskeyRefused("This passkey could not be enrolled. Try again.", why=why)
    return Factor(id=str(device.handle), kind="passkey", name=device.name, created_at=at, is_usable=True)


def begin_passkey_step_up(*, ref: str, presenter: Presenter, at: datetime) -> dict[str, Any]:
    """Ask for a passkey that would meet a challenge and return what ``navigator.credentials.get`` takes, as JSON.

    :raises ChallengeNotFound: there is no such challenge for this presenter.
    :raises ChallengeClosed: it was passed, has expired, or its session has ended.
    :raises MethodUnavailable: no passkey of the person brings what is missing.
    """
    ids = parse_challenge_ref(ref)
    if ids is None:
        raise ChallengeNotFound("There is no such challenge.")
    tenant_id, challenge_id = ids
    rp = relying_party()
    with tenant_transaction(tenant_id):
        row = Challenge.objects.select_for_update().filter(tenant_id=tenant_id, id=challenge_id).first()
        row = check_presenter(row, presenter)
        facts = facts_of(row, at=at)
        if not is_answerable(row, facts, at=at):
            raise ChallengeClosed("The challenge was answered, has expired, or its session ended.")
        usable = methods_of(row, facts, at=at).get(ChallengeMethod.PASSKEY, ())
        if not usable:
            raise MethodUnavailable("This method brings nothing that is missing.")
        must_verify = any(rests_on_verification(row, facts, one, at=at) for one in usable)
        user_id = SessionRow.objects.get(tenant_id=tenant_id, id=row.session_id).user_id
        handles = [one.authenticator.removeprefix("passkey:") for one in usable]
        devices = list(PasskeyDevice.objects.filter(user_id=user_id, handle__in=handles).order_by("id"))
        challenge = begin(tenant_id=tenant_id, session_id=row.session_id, user_id=user_id, challenge=row, at=at)
    options = generate_authentication_options(
        rp_id=rp.id,
        challenge=challenge,
        timeout=_MILLISECONDS,
        allow_credentials=[_described(one) for one in devices],
        user_verification=UserVerificationRequirement.REQUIRED
        if must_verify
        else UserVerificationRequirement.PREFERRED,
    )
    return json.loads(options_to_json(options))  # type: ignore[no-any-return]  # an object


def _made(session: Session, user: User, credential: object, *, name: str, ceiling: str, at: datetime) -> PasskeyDevice:
    """Write the key down.

    :raises Unproven: it is none of ours; ``known`` if somebody has it already.
    """
    rp = relying_party()
    presented = read_presented(credential, rp=rp)
    asked_at = use_up(
        presented.challenge,
        tenant_id=session.tenant_id,
        session_id=session.id,
        user_id=user.id,
        challenge=None,
        at=at,
    )
    if asked_at is None:
        raise Unproven("not_asked")
    key = read_new_key(presented, rp=rp, at=at)
    device = _row(user, key, name=name, at=at)
    device.ceiling = ceiling
    # Two people may show one key at the same moment: the database lets one of them have it.
    PasskeyDevice.objects.bulk_create([device], ignore_conflicts=True)
    found: PasskeyDevice | None = PasskeyDevice.objects.filter(handle=device.handle).first()
    if found is None:
        raise Unproven("known")
    return found


def _row(user: User, key: NewKey, *, name: str, at: datetime) -> PasskeyDevice:
    return PasskeyDevice(
        user=user,
        name=name or "Passkey",
        confirmed=True,
        credential_id=key.id,
        public_key=key.public_key,
        sign_count=key.sign_count,
        aaguid=key.make,
        transports=list(key.transports),
        is_sync_capable=key.is_sync_capable,
        is_synced=key.is_synced,
        is_attested=key.attested_by != "",
        attested_by=key.attested_by,
        can_verify_user=key.is_user_verified,
        created_at=at,
        confirmed_at=at,
    )


def _refuse_more(count: int) -> None:
    if count >= MAX_PASSKEYS:
        raise TooManyFactors("Remove a passkey first: nobody has more than twenty.")


def _described(device: PasskeyDevice) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(
        id=bytes(device.credential_id), transports=[AuthenticatorTransport(one) for one in device.transports]
    )


def _record(
    kind: audit.api.Kind,
    session: Session,
    told: dict[str, Any],
    *,
    device: PasskeyDevice | None = None,
    at: datetime,
) -> None:
    audit.api.append(
        tenant_id=session.tenant_id,
        kind=kind,
        at=at,
        subject=session.subject,
        session_id=session.id,
        payload={"factor": "passkey", **told, "by": ":".join(session.subject)},
        personal={"id": str(device.handle), "name": device.name} if device else None,
    )
