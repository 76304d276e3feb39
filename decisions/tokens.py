"""Tokens are decided like calls: one is issued, and found good, only while each of its actions would be allowed."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError
from msgspec.structs import replace

from authlevels import api as authlevels
from decisions.errors import FactsUnavailable
from decisions.facts import find_action, find_usage, gather, judged_anew
from decisions.people import read_person
from decisions.question import Context, Entity, Question
from isolation.api import tenant_transaction
from licensing import api as licensing
from tiergate import (
    DEFAULT_ACR,
    SESSION_WIDE,
    Decision,
    Facts,
    Level,
    NeedKind,
    Proof,
    Requirement,
    Scope,
    SessionFacts,
    Target,
    TiergateError,
    decide,
    satisfied_until,
)

_NO_LONGER = "no_longer_allowed"


def issue(
    *,
    ref: str,
    scopes: Sequence[str],
    audience: str,
    presenter: authlevels.Presenter,
    at: datetime,
    is_agreed: bool = False,
    request_id: str = "",
) -> authlevels.IssuedToken:
    """Issue a token for what a live elevation is good for, and for no more, decided and written in one transaction.

    ref: ``elv_…``; with ``is_agreed``: ``apr_…`` of what others agreed to for the calling service.
    scopes: names of the catalogue, each of whose actions must be the elevation's and be allowed now.
    audience: the one service that is to believe it.
    request_id: the caller's ``X-Request-ID``: the same one again, for the same, has the same token of a transaction.
    :raises ElevationNotFound: there is none for this caller; likewise ``ApprovalNotFound``.
    :raises ElevationGone: it was used, has ended or has expired; likewise ``ApprovalClosed``.
    :raises ScopeRefused: a scope is unknown, or says more than the elevation.
    :raises TooManyTokens: as many are alive as may rest on one confirmation.
    :raises FactsUnavailable: the facts could not be read.
    """
    wanted = tuple(sorted(set(scopes)))
    ids = authlevels.parse_approval_ref(ref) if is_agreed else authlevels.parse_elevation_ref(ref)
    if ids is None:
        raise _missing(is_agreed=is_agreed)
    # Before the transaction: the first key of an installation is told to the vendor's trail.
    signer = authlevels.get_signer(at=at)
    try:
        try:
            snapshot = _snapshot(ids[0], at=at)
        except authlevels.ElevationNotFound:
            # Whether there is such a tenant is told to nobody.
            raise _missing(is_agreed=is_agreed) from None
        with tenant_transaction(ids[0], durable=True):
            take = authlevels.get_agreed_ground if is_agreed else authlevels.get_ground
            named = (request_id, ref, audience, *wanted) if request_id else ()
            ground = take(ref=ref, presenter=presenter, named=named, at=at)
            decided = list(_decided(ground, wanted, snapshot, is_first=ground.again is None, at=at))
            found = [facts for facts, _until in decided]
            # Never past what others agreed to, for whoever reads it without asking us.
            ground = dataclasses.replace(ground, expires_at=min(ground.expires_at, *(until for _, until in decided)))
            versions = found[0].versions
            spec = authlevels.TokenSpec(
                issuer=settings.TIERGATE_BASE_URL,
                audience=audience,
                tenant=snapshot.tenant.slug,
                scopes=wanted,
                shown=_shown(found, ground, at=at),
                because={"snapshot": versions.snapshot, "policy_version": versions.policy},
            )
            return authlevels.issue_token(ground=ground, spec=spec, signer=signer, presenter=presenter, at=at)
    except DatabaseError as error:
        raise FactsUnavailable("The token could not be issued just now; ask again.", retry_after=1) from error


def _missing(*, is_agreed: bool) -> TiergateError:
    if is_agreed:
        return authlevels.ApprovalNotFound("There is no such approval for you.")
    return authlevels.ElevationNotFound("There is no such elevation.")


def introspect(*, clear: str, credential: authlevels.Credential, at: datetime) -> dict[str, Any]:
    """Say whether a token is good now (RFC 7662 section 2.2); of any other, and of other people's, nothing else.

    Each of its actions is decided again by what holds now. What is found dead is told to the trail, once, with why.
    """
    dead = {"active": False}
    held = authlevels.find_token(clear, issuer=settings.TIERGATE_BASE_URL, at=at)
    if held is None or not credential.reaches(held.tenant_id):
        return dead
    if held.claims.aud not in authlevels.audiences_of(credential):
        return dead
    why_not = held.why_not if held.ground is None else _why_not(held.ground, sorted(held.claims.scopes), at=at)
    if why_not:
        authlevels.drop_token(
            tenant_id=held.tenant_id, token_id=held.token_id, why=why_not, by=f"credential:{credential.name}", at=at
        )
        return dead
    return {"active": True, "token_type": "Bearer", **held.claims.members()}


def revoke(*, clear: str, presenter: authlevels.Presenter, at: datetime) -> None:
    """Take a token back (RFC 7009); one that is none, or is not the caller's to take back, is passed over in silence."""
    held = authlevels.find_token(clear, issuer=settings.TIERGATE_BASE_URL, at=at)
    if held is None or not authlevels.may_revoke(held, presenter):
        return
    by = authlevels.presented_by(presenter)
    authlevels.drop_token(tenant_id=held.tenant_id, token_id=held.token_id, why="revoked", by=by, at=at)


def _why_not(ground: authlevels.Ground, scopes: Sequence[str], *, at: datetime) -> str:
    try:
        list(_decided(ground, scopes, _snapshot(ground.tenant_id, at=at), is_first=False, at=at))
    except authlevels.ScopeRefused:
        return _NO_LONGER
    except DatabaseError as error:
        raise FactsUnavailable("Whether it is good cannot be told just now; ask again.", retry_after=1) from error
    return ""


def _snapshot(tenant_id: UUID, *, at: datetime) -> licensing.TenantSnapshot:
    try:
        return licensing.get_snapshot(tenant_id=tenant_id, at=at)
    except licensing.TenantNotFound:
        raise authlevels.ElevationNotFound("There is no such elevation.") from None


def _decided(
    ground: authlevels.Ground,
    scopes: Sequence[str],
    snapshot: licensing.TenantSnapshot,
    *,
    is_first: bool,
    at: datetime,
) -> Iterator[tuple[Facts, datetime]]:
    """Decide each action of each scope as a call of it would be; give what was known of each, and until when it holds.

    is_first: the token is about to be issued, and uses up what others agreed to for one transaction.
    :raises ScopeRefused: a scope is unknown, is not the elevation's, or would not be allowed; or there is none.
    """
    if not scopes:
        raise authlevels.ScopeRefused("No scope was asked for.")
    for name in sorted(set(scopes)):
        spec = snapshot.scopes.get(name)
        if spec is None or not spec.actions:
            raise authlevels.ScopeRefused("The catalogue has no such scope.", scope=name)
        for action in spec.actions:
            facts = _facts(ground, action, snapshot, at=at)
            if not ground.scope.covers(_target(facts)):
                raise authlevels.ScopeRefused("The elevation is for less than the scope.", scope=name, action=action)
            facts, decision, until = _counted(ground, facts, is_first=is_first, at=at)
            if not decision.is_allowed:
                raise authlevels.ScopeRefused(
                    "What the scope stands for would not be allowed now.",
                    scope=name,
                    action=action,
                    reason=decision.reason.value,
                )
            yield facts, until


def _counted(
    ground: authlevels.Ground, facts: Facts, *, is_first: bool, at: datetime
) -> tuple[Facts, Decision, datetime]:
    """Decide; where it wants other people's agreement, count who has agreed, and decide again.

    For one transaction none counts but what the token itself has used up, by the name that it has the person's own proof.
    """
    decision = decide(facts)
    requirement = decision.requirement
    if requirement is None or all(need.kind != NeedKind.APPROVAL for need in decision.needs):
        return facts, decision, ground.expires_at
    is_once = requirement.scope == Scope.TRANSACTION
    asked: dict[str, Any] = {
        "tenant_id": ground.tenant_id,
        "subject": ground.subject,
        "binding": facts.binding,
        "requirement": requirement,
        "request_id": ground.claim,
        "at": at,
    }
    if is_once and not ground.claim:
        return facts, decision, ground.expires_at
    if is_once and is_first and ground.approval_id is None and not authlevels.claim_approval(**asked):
        return facts, decision, ground.expires_at
    agreed = authlevels.count_approvals(**asked, is_claimed=is_once)
    facts = replace(facts, approvals=agreed.people)
    return facts, decide(facts), min(ground.expires_at, agreed.until or at)


def _facts(ground: authlevels.Ground, name: str, snapshot: licensing.TenantSnapshot, *, at: datetime) -> Facts:
    """Gather what a call of an action would be decided from, with what the elevation was confirmed for."""
    action = find_action(name, snapshot)
    is_same = name == ground.target.action
    resource = ground.resource if is_same or action is None else (action.resource_type, ground.resource[1])
    question = _question(ground, name, resource, ground.fields if is_same else {})
    person = read_person(question, at=at)
    if person.version not in {"", snapshot.version}:
        # Roles of now never meet privileges of a moment ago.
        raise FactsUnavailable("The tenant changes just now; ask again.", retry_after=1)
    usage = find_usage(question, snapshot, at=at)
    gathered = gather(question, snapshot, person, usage=usage, at=at)
    if not is_same:
        return gathered.facts
    facts = gathered.facts
    # What was confirmed was hashed then; the token says it in full, and holds whoever reads it to just that.
    missing = tuple(path for path in facts.missing_fields if path not in ground.fields)
    # Rules are asked of what was shown for that, too.
    return judged_anew(gathered, replace(facts, binding=ground.target.binding, missing_fields=missing)).facts


def _question(
    ground: authlevels.Ground, action: str, resource: tuple[str, str], confirmed: Mapping[str, Any]
) -> Question:
    """Write the question; of what was confirmed, rules read the amount as they did then."""
    return Question(
        tenant_id=ground.tenant_id,
        home=ground.tenant_id,
        asked_by="token",
        subject=Entity(type=ground.subject[0], id=ground.subject[1]),
        action=action,
        action_properties=_under("action.properties.", confirmed),
        resource=Entity(type=resource[0], id=resource[1], properties=_under("resource.properties.", confirmed)),
        context=Context(
            session=ground.session,
            environment=ground.environment,
            transaction=_under("context.transaction.", confirmed) or None,
            amounts=_under("context.", confirmed),
        ),
        service=ground.service,
        is_claiming=bool(ground.claim),
        claim_id=ground.claim,
    )


def _under(prefix: str, confirmed: Mapping[str, Any]) -> dict[str, Any]:
    """Give the bound properties whose path is a prefix and one name more."""
    found = {path.removeprefix(prefix): value for path, value in confirmed.items() if path.startswith(prefix)}
    return {name: value for name, value in found.items() if "." not in name}


def _target(facts: Facts) -> Target:
    return Target(action=facts.action_name, resource="/".join(facts.resource), binding=facts.binding)


def _shown(found: Sequence[Facts], ground: authlevels.Ground, *, at: datetime) -> dict[str, Any]:
    """Say how sure we are of the person, by what, and since when: the least of what holds for any of the actions.

    A proof of before the elevation never freshens ``auth_time``: it is when the person last acted for this one.
    """
    if ground.service is not None:
        return {"approvals": min(facts.approvals for facts in found)}
    levels, counting = [], []
    for facts in found:
        session = facts.session
        if session is None:
            raise authlevels.ScopeRefused("Nobody was there.")
        levels.append(_level(session, ground.scope.kind, _target(facts), at=at))
        counting += [proof for proof in session.proofs if proof.scope.covers(_target(facts))]
    level = min(levels)
    given = [proof.at for proof in counting if proof.scope != SESSION_WIDE]
    if level == Level.NONE or not given:
        raise authlevels.ScopeRefused("What was shown is no longer good.")
    return {"acr": DEFAULT_ACR[level], "amr": _amr(counting), "auth_time": int(max(given).timestamp())}


def _level(session: SessionFacts, width: Scope, target: Target, *, at: datetime) -> Level:
    for level in (Level.AAL3, Level.AAL2, Level.AAL1):
        wanted = Requirement(level=level, scope=width)
        if satisfied_until(wanted, session.proofs, target=target, activity=session.activity, at=at):
            return level
    return Level.NONE


def _amr(proofs: Sequence[Proof]) -> list[str]:
    """Name what was shown (RFC 8176), and ``mfa`` where it was of two kinds."""
    methods = {proof.method for proof in proofs}
    kinds = {proof.factor_kind for proof in proofs}
    return sorted(methods | ({"mfa"} if len(kinds) > 1 or any(one.user_verified for one in proofs) else set()))
