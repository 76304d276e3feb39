"""Requests that wait for a step-up and then go on: what they were, whether they may, and that they do so once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID, uuid4

import audit.api
from authlevels.errors import AlreadyResumed, DecisionNotChallengeable, DecisionNotFound, SuspendedNotFound
from authlevels.models import SuspendedRequest
from authlevels.origins import is_local_path
from authlevels.principals import Session
from authlevels.public_ids import decision_ref, parse_decision_ref, parse_suspended_ref, suspended_ref
from authlevels.recorded_decision import get_challengeable
from authlevels.session_facts import session_facts
from isolation.api import keyed_digests, seal, tenant_transaction, unseal
from tiergate import satisfied_until

SUSPENDED_LIVES: Final = timedelta(minutes=15)
MAX_SUSPENDED_BODY: Final = 64 * 1024
MOST_WAITING: Final = 20
"""How many requests of one session wait at once, of those that only read and of the others; the oldest make room.

Apart, since another site can have a browser read by its links, but not write.
"""
_MAX_CONTENT_TYPE: Final = 255
_MAX_SAID: Final = 4096
"""Characters that its headers may have together."""
_PURPOSE: Final = "suspended"


class Waiting(StrEnum):
    """How it stands with a request that was suspended."""

    PROOF = "waiting"
    READY = "ready"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A request as a browser made it.

    path: with its query. headers: the few that change what it means, by the names of CGI variables (RFC 3875).
    for_page: a page of the browser asked, not its script.
    """

    method: str
    path: str
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    for_page: bool = True

    @property
    def is_safe(self) -> bool:
        """Whether it only reads, so that it may be followed as often as one likes (RFC 9110 section 9.2.1)."""
        return self.method == "GET"

    @property
    def is_storable(self) -> bool:
        """Whether it can be kept as it is: whole, and nothing of it for ever so long."""
        said = "".join((self.content_type, *self.headers.values()))
        return (
            len(self.body) <= MAX_SUSPENDED_BODY
            and is_local_path(self.path)
            and len(self.content_type) <= _MAX_CONTENT_TYPE
            and len(said) <= _MAX_SAID
            and "\x00" not in said
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspended:
    """A request that waits, as its own session may see it. decision_id: ``dec_…``, the refusal. title: the action's."""

    id: str
    state: Waiting
    method: str
    path: str
    for_page: bool
    decision_id: str
    title: str
    expires_at: datetime

    @property
    def is_safe(self) -> bool:
        """Whether it only reads."""
        return self.method == "GET"


def suspend_request(
    *, session: Session, browser: str, decision_id: str, original: Original, at: datetime
) -> str | None:
    """Keep a refused request until its step-up is done, and return its ``rsm_…``; None for one that is not kept.

    browser: the mark of the browser that asked; in no other does the request go on, though it had the same session's
    secret. decision_id: ``dec_…``, the refusal. What is too large, or whose path no browser may be sent to, is not kept.
    """
    tenant_id, decision = session.tenant_id, parse_decision_ref(decision_id)
    if decision is None or not original.is_storable:
        return None
    row_id = uuid4()
    ref = suspended_ref(tenant_id, row_id)
    with tenant_transaction(tenant_id):
        mine = SuspendedRequest.objects.filter(tenant_id=tenant_id, session_id=session.id)
        mine.filter(expires_at__lte=at).delete()
        alike = mine.filter(method="GET") if original.is_safe else mine.exclude(method="GET")
        kept = alike.order_by("-created_at").values_list("id", flat=True)[: MOST_WAITING - 1]
        alike.exclude(id__in=list(kept)).delete()
        SuspendedRequest.objects.create(
            id=row_id,
            tenant_id=tenant_id,
            session_id=session.id,
            browser_digest=_digests(browser)[0],
            decision_id=decision,
            method=original.method,
            path=original.path,
            content_type=original.content_type,
            headers=dict(original.headers),
            body_sealed=seal(original.body, purpose=_PURPOSE, bound_to=ref) if original.body else None,
            for_page=original.for_page,
            created_at=at,
            expires_at=min(at + SUSPENDED_LIVES, session.expires_at),
        )
        _record(audit.api.Kind.REQUEST_SUSPENDED, session, ref, decision, original.method, original.path, at=at)
    return ref


def get_suspended(*, ref: str, session: Session, browser: str, at: datetime) -> Suspended:
    """Return how it stands with a waiting request of one's own.

    browser: the mark that the browser holds, or "".
    :raises SuspendedNotFound: the session made none such in this browser, or it waited for too long.
    """
    tenant_id, row_id = _parsed(ref, session)
    with tenant_transaction(tenant_id):
        row = _mine(session, row_id, browser, at=at)
        is_met, title = _standing(session, row, at=at)
        if not is_met:
            # Between the two looks it may have gone on, and used up what it was confirmed by.
            row.refresh_from_db(fields=["resumed_at"])
    state = Waiting.DONE if row.resumed_at else Waiting.READY if is_met else Waiting.PROOF
    return Suspended(
        id=ref,
        state=state,
        method=row.method,
        path=row.path,
        for_page=row.for_page,
        decision_id=decision_ref(row.decision_id),
        title=title,
        expires_at=row.expires_at,
    )


def claim_suspended(*, ref: str, session: Session, browser: str, at: datetime) -> Original:
    """Claim the one time that a waiting request goes on, and return it; commits before it answers.

    Of several at once, one has it. What then becomes of the request is its own matter: it is decided about anew.
    browser: as for ``get_suspended``.
    :raises SuspendedNotFound: the session made none such in this browser, or it waited for too long.
    :raises AlreadyResumed: it went on already.
    """
    tenant_id, row_id = _parsed(ref, session)
    with tenant_transaction(tenant_id, durable=True):
        row = _mine(session, row_id, browser, at=at)
        waiting = SuspendedRequest.objects.filter(
            tenant_id=tenant_id, id=row.id, session_id=session.id, resumed_at__isnull=True, expires_at__gt=at
        )
        if not waiting.update(resumed_at=at, body_sealed=None):
            raise AlreadyResumed("This went on already; it goes on once.")
        sealed = row.body_sealed
        body = unseal(bytes(sealed), purpose=_PURPOSE, bound_to=ref) if sealed is not None else b""
        _record(audit.api.Kind.REQUEST_RESUMED, session, ref, row.decision_id, row.method, row.path, at=at)
    return Original(
        method=row.method,
        path=row.path,
        content_type=row.content_type,
        headers=row.headers,
        body=body,
        for_page=row.for_page,
    )


def _standing(session: Session, row: SuspendedRequest, *, at: datetime) -> tuple[bool, str]:
    """Say whether the session now shows what the refusal asked, and the action's title.

    Where that cannot be told, the request may try: the door decides about it anew.
    """
    try:
        decision = get_challengeable(
            tenant_id=session.tenant_id, decision_ref=decision_ref(row.decision_id), at=row.created_at
        )
    except (DecisionNotFound, DecisionNotChallengeable):
        return True, ""
    facts = session_facts(tenant_id=session.tenant_id, session=session.id, subject=session.subject, at=at)
    met = satisfied_until(
        decision.requirement,
        facts.proofs,
        target=decision.target,
        activity=facts.activity,
        at=at,
        enrolled=facts.enrolled,
    )
    return met is not None, str(decision.display["title"])


def _mine(session: Session, row_id: UUID, browser: str, *, at: datetime) -> SuspendedRequest:
    row = SuspendedRequest.objects.filter(
        tenant_id=session.tenant_id,
        id=row_id,
        session_id=session.id,
        browser_digest__in=_digests(browser),
        expires_at__gt=at,
    ).first()
    if row is None:
        raise SuspendedNotFound("There is no such waiting request of this session (any more).")
    return row


def _digests(browser: str) -> list[bytes]:
    """Return what a row may hold of a browser's mark, newest key first."""
    return keyed_digests("suspended", browser) if browser else []


def _parsed(ref: str, session: Session) -> tuple[UUID, UUID]:
    ids = parse_suspended_ref(ref)
    if ids is None or ids[0] != session.tenant_id:
        raise SuspendedNotFound("There is no such waiting request of this session (any more).")
    return ids


def _record(
    kind: audit.api.Kind, session: Session, ref: str, decision: UUID, method: str, path: str, *, at: datetime
) -> None:
    audit.api.append(
        tenant_id=session.tenant_id,
        kind=kind,
        at=at,
        subject=session.subject,
        session_id=session.id,
        payload={
            "request": ref,
            "decision": decision_ref(decision),
            "method": method,
            "by": ":".join(session.subject),
        },
        personal={"path": path},
    )
