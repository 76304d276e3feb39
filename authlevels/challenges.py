"""Challenges: opened from a recorded refusal, and shown to whoever may answer them."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from json import dumps
from typing import Any, Final
from uuid import UUID

import audit.api
from authlevels.batches import batch_display, declared_batch
from authlevels.equal_open import put_equal_open
from authlevels.errors import (
    ChallengeClosed,
    ChallengeNotFound,
    DecisionNotFound,
    NothingToShow,
    ReturnToRefused,
    VerbMissing,
    WrongBrowser,
)
from authlevels.last_used import last_used_first
from authlevels.methods import ChallengeMethod, usable_methods
from authlevels.models import Challenge, DeviceCode, Elevation, ProofRow
from authlevels.models.people import ACCOUNT
from authlevels.origins import is_allowed_return
from authlevels.principals import Credential, Session
from authlevels.public_ids import challenge_ref, decision_ref, elevation_ref, parse_challenge_ref
from authlevels.recorded_decision import RecordedDecision, get_challengeable
from authlevels.session_facts import proof_of, session_facts
from isolation.api import keyed_digests, tenant_transaction
from tiergate import (
    Authenticator,
    Proof,
    Requirement,
    SessionFacts,
    SessionState,
    Target,
    Verb,
    elevation_scope,
)

CHALLENGE_LIVES: Final = timedelta(minutes=10)
HANDOFF_LIVES: Final = timedelta(minutes=2)
PURPOSE_ACTION: Final = "action"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedChallenge:
    """A challenge that waits for the person.

    path: where to send the browser; "" where no page of ours can answer. For an asserted session it holds a
    hand-off that works once, for two minutes; an own session is known by its cookie.
    """

    id: str
    path: str
    expires_at: datetime
    methods: tuple[ChallengeMethod, ...]
    display: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Presenter:
    """Who presents a proof: the session itself, or for an asserted one a service that relays, or the bound browser."""

    session: Session | None = None
    credential: Credential | None = None
    browser: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownChallenge:
    """A challenge as its presenter may see it; return_to and state are for the browser's way back.

    elevation_id: of a passed one: what it left, once that counts; by it the task is ended.
    """

    id: str
    state: str
    expires_at: datetime
    methods: tuple[ChallengeMethod, ...]
    display: dict[str, Any]
    return_to: str
    return_state: str
    elevation_id: str = ""


def open_challenge(  # noqa: PLR0913 - each is a member of what is asked
    *,
    tenant_id: UUID,
    decision_id: str,
    at: datetime,
    session: Session | None = None,
    credential: Credential | None = None,
    return_to: str = "",
    state: str = "",
    own_origin: str = "",
    batch_items: int = 0,
) -> OpenedChallenge:
    """Open the challenge that a recorded refusal calls for, or return the equal open one.

    decision_id: ``dec_…``. Exactly one of session and credential is the caller.
    batch_items: confirm up to so many such things at once, as the catalogue allows; 0: this one alone.
    own_origin: this site's origin, where an own session may be sent back to.
    return_to: without it an asserted session gets no page of ours, since its code would have nowhere to go.
    :raises DecisionNotFound: no such decision of this tenant and, for a session, of that session.
    :raises DecisionNotChallengeable: it asks for no proof, or is too old.
    :raises BatchRefused: so many cannot be confirmed at once.
    :raises ReturnToRefused: the address is on none of the caller's origins.
    :raises NothingToShow: the person has enrolled nothing of ours that would do.
    """
    _check_caller(tenant_id, session, credential)
    allowed = credential.return_to_origins if credential else (own_origin,)
    if return_to and not is_allowed_return(return_to, allowed):
        raise ReturnToRefused("return_to is on no origin that this caller may name.")
    with tenant_transaction(tenant_id):
        decision = get_challengeable(tenant_id=tenant_id, decision_ref=decision_id, at=at)
        if session is not None and (session.id, session.subject) != (
            decision.session_id,
            decision.subject,
        ):
            raise DecisionNotFound("There is no such decision.")
        facts = session_facts(tenant_id=tenant_id, session=decision.session_id, subject=decision.subject, at=at)
        if facts.state != SessionState.LIVE:
            raise ChallengeClosed("The session has ended.")
        by = f"credential:{credential.name}" if credential else ":".join(decision.subject)
        batch = declared_batch(decision, items=batch_items) if batch_items else None
        row = _equal_open(tenant_id, decision, batch=batch, by=by, at=at)
        methods = methods_of(row, facts, at=at)
        if not methods:
            raise NothingToShow("The person has enrolled nothing that would do.")
        if return_to or not is_of_own(row):
            # Another tab of the same browser, which needs no way back, takes none from the first.
            row.return_to, row.state = return_to, state
        handoff = f"hof_{secrets.token_urlsafe(32)}" if is_handed_off(row) else ""
        row.handoff_digest = keyed_digests("handoff", handoff)[0] if handoff else None
        row.handoff_expires_at = at + HANDOFF_LIVES if handoff else None
        row.save(update_fields=["handoff_digest", "handoff_expires_at", "return_to", "state"])
    ref = challenge_ref(tenant_id, row.id)
    return OpenedChallenge(
        id=ref,
        path=f"/step-up/{ref}?handoff={handoff}" if handoff else f"/step-up/{ref}" if is_of_own(row) else "",
        expires_at=row.expires_at,
        methods=tuple(methods),
        display=row.display,
    )


def hand_off(*, ref: str, handoff: str, browser: str, at: datetime) -> str:
    """Bind an asserted session's challenge to the browser that opens its link first, and return the browser's mark.

    browser: the mark that the browser holds already, or "". The link works once. What is shown there counts only
    when the product redeems it.
    :raises WrongBrowser: the link was used, is too old, or was replaced by a newer one.
    """
    tenant_id, challenge_id = _parsed(ref)
    mark = browser or f"tgb_{secrets.token_urlsafe(32)}"
    with tenant_transaction(tenant_id):
        waiting = Challenge.objects.select_for_update().filter(
            tenant_id=tenant_id,
            id=challenge_id,
            handoff_digest__in=keyed_digests("handoff", handoff),
            handoff_expires_at__gt=at,
            closed_at__isnull=True,
        )
        row = waiting.exclude(subject_type=ACCOUNT).first()
        if row is None:
            raise WrongBrowser("This link was used already, or is too old.")
        row.handoff_digest, row.browser_digest = None, keyed_digests("browser", mark)[0]
        row.save(update_fields=["handoff_digest", "browser_digest"])
        audit.api.append(
            tenant_id=tenant_id,
            kind=audit.api.Kind.CHALLENGE_HANDED_OFF,
            at=at,
            subject=(row.subject_type, row.subject_id),
            session_id=row.session_id,
            payload={"challenge": ref, "action": row.action},
        )
    return mark


def show_challenge(*, ref: str, presenter: Presenter, at: datetime) -> ShownChallenge:
    """Return what a challenge asks, to one who may answer it.

    :raises ChallengeNotFound: there is none for this presenter.
    """
    tenant_id, challenge_id = _parsed(ref)
    with tenant_transaction(tenant_id):
        row = Challenge.objects.filter(tenant_id=tenant_id, id=challenge_id).first()
        checked = check_presenter(row, presenter)
        facts = facts_of(checked, at=at)
        is_open = is_answerable(checked, facts, at=at)
        methods = last_used_first(checked, methods_of(checked, facts, at=at)) if is_open else ()
        left = Elevation.objects.filter(
            tenant_id=tenant_id, challenge_id=challenge_id, awaits_digest__isnull=True
        ).first()
    ended = "passed" if checked.passed_at else "refused" if checked.refused_at else "closed"
    return ShownChallenge(
        id=ref,
        state="open" if is_open else ended,
        expires_at=checked.expires_at,
        methods=methods,
        display=checked.display,
        return_to=checked.return_to,
        return_state=checked.state,
        elevation_id=elevation_ref(tenant_id, left.id) if left else "",
    )


def check_presenter(row: Challenge | None, presenter: Presenter) -> Challenge:
    """Return the challenge if this presenter may answer it.

    :raises ChallengeNotFound: there is none, or it is another's.
    """
    if row is not None and (
        is_own_session(row, presenter)
        or is_relayed(row, presenter)
        or _is_bound_browser(row, presenter)
        or is_activated(row, presenter)
    ):
        return row
    raise ChallengeNotFound("There is no such challenge for you.")


def is_own_session(row: Challenge, presenter: Presenter) -> bool:
    """Say whether the presenter is the very session that the challenge would elevate."""
    session = presenter.session
    return session is not None and (session.tenant_id, session.id) == (row.tenant_id, row.session_id)


def is_relayed(row: Challenge, presenter: Presenter) -> bool:
    """Say whether a service passes on what was typed into its page, in the product's own session.

    Never for an account: whoever judged its codes could wear its factor out for every tenant.
    """
    credential = presenter.credential
    return (
        credential is not None
        and credential.reaches(row.tenant_id)
        and Verb.STEP_UP_RELAY in credential.verbs
        and not is_of_own(row)
    )


def _is_bound_browser(row: Challenge, presenter: Presenter) -> bool:
    """Say whether the presenter is the browser that took the hand-off.

    It need not be the one that began: a link can be mailed. So an own session, which has a cookie, is not answered
    by it, and an asserted one only as far as a code that the product has yet to redeem.
    """
    if not presenter.browser or row.browser_digest is None or not is_handed_off(row):
        return False
    marks = keyed_digests("browser", presenter.browser)
    return any(secrets.compare_digest(bytes(row.browser_digest), mark) for mark in marks)


def is_activated(row: Challenge, presenter: Presenter) -> bool:
    """Say whether the same person has typed the challenge's code in this other session of theirs."""
    session = presenter.session
    return (
        session is not None
        and session.is_own
        and (session.tenant_id, session.subject) == (row.tenant_id, (row.subject_type, row.subject_id))
        and DeviceCode.objects.filter(
            tenant_id=row.tenant_id, challenge_id=row.id, activated_by=session.id, denied_at__isnull=True
        ).exists()
    )


def is_of_own(row: Challenge) -> bool:
    """Say whether the challenge is of a session of our own sign-in: those, and no others, are of accounts."""
    return row.subject_type == ACCOUNT


def is_handed_off(row: Challenge) -> bool:
    """Say whether a link may hand the challenge to a browser: to answer for an asserted session, and come back."""
    return not is_of_own(row) and row.return_to != ""


def facts_of(row: Challenge, *, at: datetime) -> SessionFacts:
    """Return what is known of the challenge's session."""
    return session_facts(
        tenant_id=row.tenant_id,
        session=row.session_id,
        subject=(row.subject_type, row.subject_id),
        at=at,
    )


def is_answerable(row: Challenge, facts: SessionFacts, *, at: datetime) -> bool:
    """Say whether a challenge still takes proofs: open, in time, for an action, its session alive."""
    return (
        row.closed_at is None
        and at < row.expires_at
        and row.purpose == PURPOSE_ACTION
        and facts.state == SessionState.LIVE
    )


def target_of(row: Challenge) -> Target:
    """Return what the challenge is for, as the kernel reads it."""
    return Target(
        action=row.action,
        resource=f"{row.resource_type}/{row.resource_id}",
        binding=row.binding,
    )


def pending_proofs(row: Challenge) -> list[Proof]:
    """Return what was shown to the challenge so far, as it would count if it were passed."""
    requirement = Requirement.from_json(row.requirement)
    scope = elevation_scope(requirement.scope, target_of(row))
    shown = ProofRow.objects.filter(tenant_id=row.tenant_id, challenge_id=row.id)
    return [proof_of(one, scope) for one in shown]


def methods_of(
    row: Challenge, facts: SessionFacts, *, at: datetime
) -> dict[ChallengeMethod, tuple[Authenticator, ...]]:
    """Return the methods that bring something that the challenge still misses."""
    return usable_methods(
        requirement=Requirement.from_json(row.requirement),
        facts=facts,
        pending=pending_proofs(row),
        target=target_of(row),
        at=at,
    )


def _check_caller(tenant_id: UUID, session: Session | None, credential: Credential | None) -> None:
    if (session is None) == (credential is None):
        raise VerbMissing("A challenge is opened by a session or by a credential.")
    if credential is not None and not (credential.reaches(tenant_id) and Verb.STEP_UP_CREATE in credential.verbs):
        raise VerbMissing("This credential may not open challenges in this tenant.")
    if session is not None and session.tenant_id != tenant_id:
        raise DecisionNotFound("There is no such decision.")


def _equal_open(
    tenant_id: UUID, decision: RecordedDecision, *, batch: dict[str, Any] | None, by: str, at: datetime
) -> Challenge:
    requirement = decision.requirement.to_json()
    canonical = dumps(requirement if batch is None else [requirement, batch], sort_keys=True, separators=(",", ":"))
    key = {
        "tenant_id": tenant_id,
        "session_id": decision.session_id,
        "purpose": PURPOSE_ACTION,
        "binding": decision.target.binding,
        "requirement_digest": sha256(canonical.encode()).hexdigest(),
    }
    fresh = Challenge(
        **key,
        subject_type=decision.subject[0],
        subject_id=decision.subject[1],
        requirement=requirement,
        policy_version=decision.policy_version,
        decision_id=decision.id,
        action=decision.target.action,
        resource_type=decision.resource[0],
        resource_id=decision.resource[1],
        display=decision.display if batch is None else batch_display(decision.display, batch),
        batch=batch,
        created_at=at,
        expires_at=at + CHALLENGE_LIVES,
    )
    row = put_equal_open(fresh, Challenge.objects.filter(**key, closed_at__isnull=True), at=at)
    if row is None:
        # The equal one that stood in the way was passed or closed this very moment.
        raise ChallengeClosed("The challenge was just answered: ask for a decision again.")
    if row.id == fresh.id:
        audit.api.append(
            tenant_id=tenant_id,
            kind=audit.api.Kind.CHALLENGE_OPENED,
            at=at,
            subject=decision.subject,
            session_id=decision.session_id,
            payload={
                "challenge": challenge_ref(tenant_id, row.id),
                "decision": decision_ref(decision.id),
                "action": row.action,
                "resource": list(decision.resource),
                "requirement": requirement,
                **({"batch": {"items": batch["items"], "per_item": batch["per_item"]}} if batch else {}),
                "policy_version": row.policy_version,
                "expires_at": row.expires_at.isoformat(),
                "by": by,
            },
        )
    return row


def _parsed(ref: str) -> tuple[UUID, UUID]:
    ids = parse_challenge_ref(ref)
    if ids is None:
        raise ChallengeNotFound("There is no such challenge.")
    return ids
