"""Asserted sessions: a product vouches for a person whom it has signed in."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from authlevels.errors import AssertionRefused, RiskBlocked, SubjectNotMember, VerbMissing
from authlevels.models import User
from authlevels.models.people import ACCOUNT
from authlevels.principals import Credential, Session
from authlevels.refusals import record_refused_assertion
from authlevels.risk import look_at_sign_in, tell_failed_sign_in
from authlevels.session_start import SUPPORT_ISSUER, Origin, start_session
from authlevels.sign_in import is_active_member
from isolation.api import tenant_transaction
from riskengine import api as riskengine
from tiergate import OWN_ISSUER, REAUTHENTICATION, Level, Proof, Verb, capped_proofs, proofs_from_amr

MAX_SKEW: Final = timedelta(seconds=60)
"""How far ahead the product's clock may be."""


def assert_session(  # noqa: PLR0913 - each is a member of what is recorded
    *,
    tenant_id: UUID,
    credential: Credential,
    subject_type: str,
    subject_id: str,
    amr: Sequence[str],
    auth_time: datetime,
    idp: str,
    at: datetime,
    expires_at: datetime | None = None,
    origin: Origin | None = None,
) -> Session:
    """Begin a session on a product's word and return it; it has a handle and no secret.

    Each vouched method (RFC 8176) becomes a proof named after ``idp``, together worth no more than
    the credential's highest level. Asserting again begins another session.
    :raises VerbMissing: the credential may not assert in this tenant.
    :raises AssertionRefused: our own subject type or issuer, no method, or instants that cannot be.
    :raises SubjectNotMember: no active member.
    :raises RiskBlocked: it looks too risky, and what hardly errs says so too.
    :raises riskengine.RiskUnavailable: how risky it looks could not be told.
    """
    if not credential.reaches(tenant_id) or Verb.SESSIONS_ASSERT not in credential.verbs:
        raise VerbMissing("This credential may not vouch for people in this tenant.")
    tell = partial(
        record_refused_assertion,
        tenant_id=tenant_id,
        credential=credential,
        subject=(subject_type, subject_id),
        idp=idp,
        amr=amr,
        at=at,
    )
    try:
        ends, proofs = _vouched(
            subject_type=subject_type,
            amr=amr,
            auth_time=auth_time,
            idp=idp,
            expires_at=expires_at,
            credential=credential,
            at=at,
        )
    except AssertionRefused as error:
        tell(why=error.why)
        raise
    origin = origin or Origin()
    told = riskengine.told(ip=origin.ip, user_agent=origin.user_agent, device_token=origin.device_token)
    try:
        with tenant_transaction(tenant_id):
            if is_active_member(tenant_id, subject_type, subject_id):
                look = look_at_sign_in(tenant_id, (subject_type, subject_id), told, at=at)
                user = put_shadow_user(tenant_id, subject_type, subject_id, at=at)
                return start_session(
                    tenant_id=tenant_id,
                    user=user,
                    issuer=idp,
                    proofs=proofs,
                    origin=origin,
                    expires_at=ends,
                    at=at,
                    asserted_by=credential.id,
                    look=look,
                )
    except RiskBlocked as blocked:
        tell(why="risk_blocked")
        with tenant_transaction(tenant_id):
            tell_failed_sign_in(tenant_id, (subject_type, subject_id), blocked.look, at=at)
        raise
    tell(why="no_member")
    raise SubjectNotMember("The subject is no active member of this tenant.")


def _vouched(
    *,
    subject_type: str,
    amr: Sequence[str],
    auth_time: datetime,
    idp: str,
    expires_at: datetime | None,
    credential: Credential,
    at: datetime,
) -> tuple[datetime, tuple[Proof, ...]]:
    """Say until when a product's word holds, and what it proves.

    :raises AssertionRefused: it cannot be taken.
    """
    if subject_type == ACCOUNT:
        raise AssertionRefused("People of the own sign-in cannot be vouched for.", why="own_people")
    if idp in {OWN_ISSUER, SUPPORT_ISSUER}:
        raise AssertionRefused("The issuer is the identity provider's name, not ours.", why="own_issuer")
    if auth_time > at + MAX_SKEW:
        raise AssertionRefused("auth_time lies in the future.", why="auth_time_ahead")
    # A proof is never newer than our own clock: it would stay fresh for longer than it may.
    auth_time = min(auth_time, at)
    ends = auth_time + REAUTHENTICATION[Level.AAL1].absolute
    if ends <= at:
        raise AssertionRefused("auth_time is too long ago: the person has to sign in again.", why="auth_time_past")
    if expires_at is not None:
        ends = min(ends, expires_at)
    if ends <= at:
        raise AssertionRefused("expires_at has passed.", why="ended")
    proofs = capped_proofs(proofs_from_amr(amr, at=auth_time, issuer=idp), credential.max_level)
    if not proofs:
        raise AssertionRefused("amr names no method.", why="no_method")
    return ends, proofs


def put_shadow_user(tenant_id: UUID, subject_type: str, subject_id: str, *, at: datetime) -> User:
    """Return the row that a product's person holds factors by, made on first sight."""
    user, _ = User.objects.get_or_create(
        realm=tenant_id,
        subject_type=subject_type,
        subject_id=subject_id,
        defaults={"created_at": at, "password": "!"},
    )
    return user
