"""Answering a challenge: a proof is shown, judged once, and, when nothing is missing, an elevation is left."""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import audit.api
from authlevels.attempts import AttemptLimit, charge, give_back
from authlevels.challenges import (
    Presenter,
    check_presenter,
    facts_of,
    is_activated,
    is_answerable,
    is_own_session,
    is_relayed,
    methods_of,
    pending_proofs,
    target_of,
)
from authlevels.errors import ChallengeClosed, ChallengeNotFound, MethodUnavailable
from authlevels.judgement import Right, Wrong
from authlevels.judging import Shown, judge
from authlevels.methods import ChallengeMethod
from authlevels.models import Challenge, Elevation, ProofRow, SessionRow
from authlevels.notices import NoticeKind, notify
from authlevels.passwords import password_bucket
from authlevels.policy import limit_for
from authlevels.public_ids import challenge_ref, elevation_ref, parse_challenge_ref
from authlevels.risk import look_at_answer, tell_failed_step_up, tell_step_up
from authlevels.session_start import proof_row
from authlevels.sessions import rotate_session_secret, touch_session
from isolation.api import keyed_digests, tenant_transaction
from riskengine import api as riskengine
from tiergate import (
    SESSION_WIDE,
    Requirement,
    SessionFacts,
    satisfied_until,
    until_max_age,
)

_NOTICES: Final = {
    audit.api.Kind.FACTOR_DISABLED: NoticeKind.FACTOR_DISABLED,
    audit.api.Kind.FACTOR_CLONED: NoticeKind.FACTOR_CLONED,
}
DEFAULT_ELEVATION: Final = timedelta(seconds=300)
"""How long an elevation lasts whose requirement names no max_age."""
CODE_LIVES: Final = timedelta(minutes=2)
"""How long the product may redeem what a browser brings back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """A challenge that was passed, with the elevation that it leaves.

    secret: the session's new secret, where its own one was to be renewed; the old one is dead.
    code: ``cmp_…``; with it the elevation does not count before the product has redeemed it.
    """

    elevation_id: str
    expires_at: datetime
    scope: str
    level: str
    return_to: str
    state: str
    secret: str | None = None
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillOpen:
    """A right proof, and what the challenge still misses."""

    methods: tuple[ChallengeMethod, ...]
    expires_at: datetime


def verify(
    *,
    ref: str,
    method: ChallengeMethod,
    presenter: Presenter,
    at: datetime,
    code: str = "",
    credential: object = None,
    renew_secret: bool = False,
    told: riskengine.Told = riskengine.NOTHING_TOLD,
) -> Passed | StillOpen:
    """Judge what a person shows to a challenge; commits before it answers or raises.

    ref: ``chl_…``. code: the one-time code, or the password. credential: for a passkey what the browser's
    ``navigator.credentials.get`` gave, as an object read from JSON or its text.
    renew_secret: replace the secret of the presenter's session, if it is the one elevated.
    told: how the presenter's own browser looks; nothing of a service's.
    :raises ChallengeNotFound: there is none for this presenter.
    :raises ChallengeClosed: it was passed, has expired, or its session has ended.
    :raises MethodUnavailable: the method brings nothing that is missing.
    :raises WrongCode: and ``CodeAlreadyUsed`` for a one-time code shown before.
    :raises PasskeyRefused: what an authenticator showed; ``PasskeyCloned`` if there are two of it.
    :raises Throttled: too many wrong ones on this factor, over whatever challenges.
    """
    ids = parse_challenge_ref(ref)
    if ids is None:
        raise ChallengeNotFound("There is no such challenge.")
    tenant_id, challenge_id = ids
    attempts_left = 0
    bucket = ""
    if method == ChallengeMethod.PASSWORD:
        bucket, limit = _password_count(tenant_id, challenge_id, presenter)
        attempts_left = charge(bucket=bucket, limit=limit, at=at)
    shown = Shown(method=method, code=code, credential=credential)
    with tenant_transaction(tenant_id, durable=True):
        row = Challenge.objects.select_for_update().filter(tenant_id=tenant_id, id=challenge_id).first()
        row = check_presenter(row, presenter)
        # INVARIANT: what was seen of the session until now is among its facts, and what is seen later ends what this leaves.
        riskengine.hold_session(tenant_id=tenant_id, session_id=row.session_id)
        touch_session(tenant_id=tenant_id, session_id=row.session_id, at=at)
        facts = facts_of(row, at=at)
        if not is_answerable(row, facts, at=at):
            raise ChallengeClosed("The challenge was answered, has expired, or its session ended.")
        usable = methods_of(row, facts, at=at).get(method, ())
        if not usable:
            raise MethodUnavailable("This method brings nothing that is missing.")
        user = SessionRow.objects.select_related("user").get(tenant_id=tenant_id, id=row.session_id).user
        found = judge(shown, row, user=user, facts=facts, usable=usable, attempts_left=attempts_left, at=at)
        by = _named(row, presenter)
        if isinstance(found, Wrong):
            _record_failure(row, method, found, by=by, at=at)
            tell_failed_step_up(row, look_at_answer(row, None if presenter.credential else told, at=at), at=at)
        else:
            if bucket:
                give_back(bucket=bucket, at=at)
            # A browser that was handed the link need not be the one that began: the product has to say that it is.
            counts = is_own_session(row, presenter) or is_relayed(row, presenter) or is_activated(row, presenter)
            result = _accept(row, facts, found, method, counts=counts, by=by, at=at)
            if isinstance(result, Passed) and counts:
                is_own = is_own_session(row, presenter)
                look = look_at_answer(row, told if is_own else None, at=at)
                teaches = is_own or is_relayed(row, presenter)
                tell_step_up(row, look, pending_proofs(row), teaches=teaches, at=at)
            if renew_secret and isinstance(result, Passed) and is_own_session(row, presenter):
                secret = rotate_session_secret(tenant_id=tenant_id, session_id=row.session_id)
                result = replace(result, secret=secret)
    if isinstance(found, Wrong):
        raise found.error
    return result


def _password_count(tenant_id: UUID, challenge_id: UUID, presenter: Presenter) -> tuple[str, AttemptLimit]:
    with tenant_transaction(tenant_id):
        row = Challenge.objects.filter(tenant_id=tenant_id, id=challenge_id).first()
        row = check_presenter(row, presenter)
        user = SessionRow.objects.select_related("user").get(id=row.session_id).user
        return password_bucket(user), limit_for(user, tenant_id=tenant_id)


def _named(row: Challenge, presenter: Presenter) -> str:
    """Say who brought the proof: the person themselves, or the service that passed it on."""
    if presenter.credential is not None and is_relayed(row, presenter):
        return f"credential:{presenter.credential.name}"
    return f"{row.subject_type}:{row.subject_id}"


def _accept(
    row: Challenge,
    facts: SessionFacts,
    right: Right,
    method: ChallengeMethod,
    *,
    counts: bool,
    by: str,
    at: datetime,
) -> Passed | StillOpen:
    proof = right.authenticator.shown(at=at, scope=SESSION_WIDE)
    proof_row(proof, tenant_id=row.tenant_id, session_id=row.session_id, challenge_id=row.id).save(force_insert=True)
    requirement = Requirement.from_json(row.requirement)
    met = satisfied_until(
        requirement,
        [*facts.proofs, *pending_proofs(row)],
        target=target_of(row),
        activity=facts.activity,
        at=at,
        enrolled=facts.enrolled,
    )
    shown = {"method": method.value, **right.told, "response_seconds": _waited(row, at), "by": by}
    if met is None:
        left = methods_of(row, facts, at=at)
        _record(audit.api.Kind.CHALLENGE_ANSWERED, row, {**shown, "left": [one.value for one in left]}, at=at)
        return StillOpen(methods=tuple(left), expires_at=row.expires_at)
    code = "" if counts else f"cmp_{secrets.token_urlsafe(32)}"
    return _pass(row, requirement, facts, shown, code=code, at=at)


def _waited(row: Challenge, at: datetime) -> float:
    """Return how long the person took, in seconds since the challenge was opened."""
    return (at - row.created_at).total_seconds()


def _pass(
    row: Challenge, requirement: Requirement, facts: SessionFacts, shown: dict[str, Any], *, code: str, at: datetime
) -> Passed:
    ends = until_max_age(requirement, at=at, default=DEFAULT_ELEVATION)
    elevation = Elevation.objects.create(
        tenant_id=row.tenant_id,
        session_id=row.session_id,
        challenge_id=row.id,
        scope=requirement.scope.value,
        level=requirement.level.value,
        # One of a batch is known by what it is, not by the hash of the one that was asked about first.
        binding="" if row.batch else row.binding,
        uses_allowed=row.batch["items"] if row.batch else 1,
        batch=row.batch,
        action=row.action,
        resource_type=row.resource_type,
        resource_id=row.resource_id,
        policy_version=row.policy_version,
        created_at=at,
        expires_at=min(ends, facts.expires_at) if facts.expires_at else ends,
        awaits_digest=code_digests(row, code)[0] if code else None,
        awaits_until=at + CODE_LIVES if code else None,
    )
    ProofRow.objects.filter(tenant_id=row.tenant_id, challenge_id=row.id).update(elevation_id=elevation.id)
    row.passed_at = row.closed_at = at
    row.handoff_digest = None
    row.save(update_fields=["passed_at", "closed_at", "handoff_digest"])
    _record(audit.api.Kind.CHALLENGE_PASSED, row, {**shown, "awaits_redemption": bool(code)}, at=at)
    if not code:
        record_created(row, elevation, by=str(shown["by"]), at=at)
    return passed_with(row, elevation, code=code)


def code_digests(row: Challenge, code: str) -> list[bytes]:
    """Return the keyed digests of a redemption code, bound to its challenge; newest key first."""
    return keyed_digests("redemption", f"{challenge_ref(row.tenant_id, row.id)} {code}")


def record_created(row: Challenge, elevation: Elevation, *, by: str, at: datetime) -> None:
    """Append that an elevation counts from now on."""
    _record(
        audit.api.Kind.ELEVATION_CREATED,
        row,
        {
            "elevation": elevation_ref(row.tenant_id, elevation.id),
            "scope": elevation.scope,
            "level": elevation.level,
            "expires_at": elevation.expires_at.isoformat(),
            "uses": elevation.uses_allowed,
            "by": by,
        },
        at=at,
    )


def passed_with(row: Challenge, elevation: Elevation, *, code: str = "") -> Passed:
    """Return what a challenge left, as other rooms see it."""
    return Passed(
        elevation_id=elevation_ref(row.tenant_id, elevation.id),
        expires_at=elevation.expires_at,
        scope=elevation.scope,
        level=elevation.level,
        return_to=row.return_to,
        state=row.state,
        code=code,
    )


def _record_failure(row: Challenge, method: ChallengeMethod, wrong: Wrong, *, by: str, at: datetime) -> None:
    told = {
        "method": method.value,
        "why": wrong.why,
        "response_seconds": _waited(row, at),
        "attempts_left": wrong.attempts_left,
        "by": by,
    }
    _record(audit.api.Kind.CHALLENGE_FAILED, row, told, at=at)
    for aside in wrong.asides:
        _record(aside.kind, row, {**aside.told, "by": by}, personal=aside.personal, at=at)
        if aside.kind in _NOTICES:
            user = SessionRow.objects.select_related("user").get(tenant_id=row.tenant_id, id=row.session_id).user
            factor = str(aside.told.get("factor", ""))
            notify(tenant_id=row.tenant_id, user=user, kind=_NOTICES[aside.kind], factor=factor, at=at)


def _record(
    kind: audit.api.Kind,
    row: Challenge,
    more: dict[str, Any],
    *,
    personal: dict[str, Any] | None = None,
    at: datetime,
) -> None:
    audit.api.append(
        tenant_id=row.tenant_id,
        kind=kind,
        at=at,
        subject=(row.subject_type, row.subject_id),
        session_id=row.session_id,
        personal=personal,
        payload={
            "challenge": challenge_ref(row.tenant_id, row.id),
            "action": row.action,
            "policy_version": row.policy_version,
            **more,
        },
    )
