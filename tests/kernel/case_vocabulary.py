"""The words of tests/cases/decisions.yaml: each is read strictly, and what is not said is the ordinary case.

The ordinary case: Alice, an active analyst of Acme, asks at 09:00 to read a report, an action that needs no
licence, from a live session in use, in which she signed in with her password an hour ago; she has that password
and a TOTP app. ``acts`` gives each action that the cases use.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from tiergate import (
    BUILTIN_ACTIONS,
    SESSION_WIDE,
    ActionSpec,
    Activity,
    Authenticator,
    CallerKind,
    Contribution,
    Entitlement,
    EnvironmentSensitivity,
    FactorKind,
    Facts,
    FeatureKind,
    FeatureSpec,
    Forbid,
    Grant,
    GrantKind,
    Level,
    MemberFact,
    Override,
    OverrideEffect,
    Proof,
    ProofScope,
    Purpose,
    Requirement,
    Scope,
    Sensitivity,
    ServiceFact,
    SessionFacts,
    SessionState,
    Target,
    TenantFact,
    Term,
    Unlock,
    UnlockKind,
    UsageFact,
    Versions,
    binding,
    bound_fields,
    capped_proofs,
    proofs_from_amr,
    resolve_entitlement,
)

NINE = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

Row = Mapping[str, Any]


class CaseError(ValueError):
    """A case says something that the vocabulary does not have."""


def span(text: str) -> timedelta:
    """Read a span of time: ``"90s"``, ``"5m"``, ``"1h"``, ``"2d"``, and sums such as ``"1h 1s"``."""
    parts = [re.fullmatch(r"(\d+)([smhd])", part) for part in str(text).split()]
    if not parts or not all(parts):
        raise CaseError(f"{text!r} is no span of time")
    return sum((timedelta(**{_UNITS[part[2]]: int(part[1])}) for part in parts if part), timedelta(0))


def instant(text: str) -> datetime:
    """Read an instant: ``"now"``, ``"5m ago"`` or ``"in 5m"``."""
    if text == "now":
        return NINE
    if text.endswith(" ago"):
        return NINE - span(text.removesuffix(" ago"))
    if text.startswith("in "):
        return NINE + span(text.removeprefix("in "))
    raise CaseError(f"{text!r} is no instant")


def only(row: Row, *known: str) -> Row:
    """Refuse a member that the vocabulary does not have."""
    if not isinstance(row, dict) or (unknown := set(row) - set(known)):
        raise CaseError(f"unknown: {unknown if isinstance(row, dict) else row!r}; known: {', '.join(known)}")
    return row


def requirement(row: Row) -> Requirement:
    """Read a requirement as an API caller would write it."""
    return Requirement.from_json(row)


METHODS = {
    "password": Authenticator(method="pwd", authenticator="password", factor_kind=FactorKind.KNOWLEDGE),
    "totp": Authenticator(method="otp", authenticator="phone", factor_kind=FactorKind.POSSESSION),
    "second totp": Authenticator(method="otp", authenticator="tablet", factor_kind=FactorKind.POSSESSION),
    "face": Authenticator(method="face", authenticator="face", factor_kind=FactorKind.OTHER),
    "passkey": Authenticator(
        method="swk",
        authenticator="passkey",
        factor_kind=FactorKind.POSSESSION,
        phishing_resistant=True,
        user_verified=True,
    ),
    "passkey without user verification": Authenticator(
        method="swk", authenticator="passkey", factor_kind=FactorKind.POSSESSION, phishing_resistant=True
    ),
    "hardware key": Authenticator(
        method="hwk",
        authenticator="key",
        factor_kind=FactorKind.POSSESSION,
        phishing_resistant=True,
        user_verified=True,
        device_bound=True,
    ),
    "okta": Authenticator(method="pwd", authenticator="okta", factor_kind=FactorKind.KNOWLEDGE, issuer="okta"),
}


def method(name: str) -> Authenticator:
    """Find a method by its name in the cases."""
    if name not in METHODS:
        raise CaseError(f"{name!r} is no method; known: {', '.join(METHODS)}")
    return METHODS[name]


def _proof(row: Row) -> tuple[Proof, ...]:
    """Read ``{totp: 5m ago, for: {...}}``, or what an issuer vouches for: ``{vouched: [pwd], cap: aal1, at: …}``."""
    if "vouched" in row:
        only(row, "vouched", "by", "cap", "at")
        proofs = proofs_from_amr(row["vouched"], at=instant(row["at"]), issuer=row.get("by", "okta"))
        return capped_proofs(proofs, Level(row.get("cap", "aal1")))
    name = next((key for key in row if key != "for"), "")
    only(row, name, "for")
    scope = _scope(row["for"]) if "for" in row else SESSION_WIDE
    return (method(name).shown(at=instant(row[name]), scope=scope),)


def _scope(row: Row) -> ProofScope:
    only(row, "kind", "action", "resource", "request", "until")
    request = only(row.get("request", {}), "amount", "session", "subject", "tenant")
    action, resource = row.get("action", "reports.read"), row.get("resource", "report/q3")
    return ProofScope(
        kind=Scope(row["kind"]),
        action=action,
        resource=resource,
        binding=binding_of(action, tuple(resource.split("/")), request),
        until=instant(row["until"]) if "until" in row else None,
    )


def binding_of(action: str, resource: tuple[str, ...], request: Row) -> str:
    """Hash a request as the product's own would be, save for what ``request`` says is different."""
    fields = {"resource.properties.amount": request["amount"]} if "amount" in request else {}
    return binding(
        tenant=request.get("tenant", "acme"),
        subject=("user", request.get("subject", "alice")),
        session=request.get("session", "ses_1"),
        action=action,
        resource=(resource[0], resource[1]),
        fields=fields,
    )


_SERVICE_TOO = (CallerKind.PERSON, CallerKind.SERVICE)
ACTIONS: Mapping[str, ActionSpec] = {
    **BUILTIN_ACTIONS,
    "reports.read": ActionSpec(name="reports.read", resource_type="report", privilege="reports.read"),
    "reports.export": ActionSpec(
        name="reports.export", resource_type="report", privilege="reports.read", feature="exports", callers=_SERVICE_TOO
    ),
    "payments.send": ActionSpec(
        name="payments.send",
        resource_type="account",
        privilege="payments.send",
        binds=("resource.properties.amount",),
        requirement=Requirement(level=Level.AAL2, max_age=300, scope=Scope.TRANSACTION),
    ),
    "releases.deploy": ActionSpec(
        name="releases.deploy",
        resource_type="release",
        privilege="releases.deploy",
        environment_aware=True,
        environments={
            "staging": Requirement(level=Level.AAL1),
            "production": Requirement(level=Level.AAL2, max_age=300, approvals=1),
        },
    ),
}
_RESOURCES = {"payments.send": ("account", "7"), "releases.deploy": ("release", "r9")}


def _entitlement(row: Row) -> Entitlement | None:
    """Read what Acme holds: ``{kind, sensitivity, plan, add_on, override, floor, requirement}``."""
    only(row, "kind", "sensitivity", "plan", "add_on", "override", "floor", "requirement", "feature")
    feature = FeatureSpec(
        key=row.get("feature", "exports"),
        kind=FeatureKind(row.get("kind", "switch")),
        sensitivity=Sensitivity(row.get("sensitivity", "standard")),
        requirement=requirement(row["requirement"]) if "requirement" in row else None,
    )
    grants = [_grant(feature.key, kind, row[kind]) for kind in GrantKind if kind in row]
    changed = row.get("override", [])
    return resolve_entitlement(
        feature,
        grants=grants,
        overrides=[_override(feature.key, one) for one in (changed if isinstance(changed, list) else [changed])],
        floor=requirement(row["floor"]) if "floor" in row else None,
        at=NINE,
    )


def _grant(feature: str, kind: GrantKind, row: Row) -> Grant:
    only(row, "name", "value", "limit", "unlimited", "overage", "requirement", "from", "to")
    return Grant(
        source=f"{kind}:{row.get('name', 'business@1')}",
        kind=kind,
        term=Term(
            feature=feature,
            value=row.get("value"),
            limit=row.get("limit"),
            unlimited=row.get("unlimited", False),
            overage=row.get("overage", False),
            requirement=requirement(row["requirement"]) if "requirement" in row else None,
        ),
        active_from=instant(row.get("from", "30d ago")),
        active_to=instant(row["to"]) if "to" in row else None,
    )


def _override(feature: str, row: Row) -> Override:
    only(row, "effect", "value", "limit", "unlimited", "requirement", "from", "to", "feature")
    return Override(
        feature=row.get("feature", feature),
        effect=OverrideEffect(row["effect"]),
        reason="Agreed with Mona on the phone.",
        by="account:mona",
        active_from=instant(row.get("from", "1d ago")),
        expires_at=instant(row["to"]) if "to" in row else None,
        value=row.get("value"),
        limit=row.get("limit"),
        unlimited=row.get("unlimited", False),
        requirement=requirement(row["requirement"]) if "requirement" in row else None,
    )


def _unlock(row: Row) -> Unlock:
    only(row, "kind", "key", "requirement", "limit", "unlimited", "overage")
    return Unlock(
        kind=UnlockKind(row.get("kind", "plan")),
        key=row["key"],
        title=row["key"].title(),
        version=1,
        requirement=requirement(row["requirement"]) if "requirement" in row else None,
        limit=row.get("limit"),
        unlimited=row.get("unlimited", False),
        overage=row.get("overage", False),
    )


def _session(row: Row) -> SessionFacts | None:
    only(row, "state", "proofs", "enrolled", "last_seen", "came_back", "riskier", "expires", "impersonated_by")
    activity = Activity(last_seen_at=instant(row.get("last_seen", "1m ago")))
    # Each later request is recorded after it was decided, as the session room does.
    for back in row.get("came_back", []):
        activity = activity.seen(instant(back))
    if "riskier" in row:
        activity = replace(activity, riskier_since=instant(row["riskier"]))
    return SessionFacts(
        handle="ses_1",
        state=SessionState(row.get("state", "live")),
        proofs=tuple(proof for one in row.get("proofs", [{"password": "1h ago"}]) for proof in _proof(one)),
        activity=activity,
        enrolled=tuple(method(name) for name in row.get("enrolled", ["password", "totp"])),
        expires_at=instant(row["expires"]) if "expires" in row else None,
        impersonated_by=row.get("impersonated_by", ""),
    )


def _asks(rows: list[Row]) -> tuple[Contribution, ...]:
    out = []
    for row in rows:
        only(row, "source", "requirement")
        out.append(Contribution(source=row["source"], requirement=requirement(row["requirement"])))
    return tuple(out)


# What `given:` may say, each with its reading; what stands for "nothing is known of it" is `none`.
_READERS: Mapping[str, Callable[[Any], Any]] = {
    "tenant": lambda row: TenantFact(
        id="acme",
        slug="acme",
        is_active=only(row, "active", "vendor").get("active", True),
        is_vendor=row.get("vendor", False),
    ),
    "member": lambda row: MemberFact(
        roles=tuple(only(row, "roles", "active").get("roles", ["analyst"])), is_active=row.get("active", True)
    ),
    "privileges": tuple,
    "environment": str,
    "environments": lambda rows: {name: EnvironmentSensitivity(one) for name, one in rows.items()},
    "entitlement": _entitlement,
    "unlocks": lambda rows: tuple(_unlock(row) for row in rows),
    "usage": lambda row: UsageFact(
        used=only(row, "used", "reserved", "resets", "carried")["used"],
        reserved=row.get("reserved", 0),
        carried=row.get("carried", 0),
        reset_at=instant(row["resets"]) if "resets" in row else None,
    ),
    "quantity": int,
    "session": _session,
    "approvals": int,
    "contributions": _asks,
    "forbids": lambda rows: tuple(Forbid(source=source, because="As agreed.") for source in rows),
    "faults": tuple,
    "purpose": Purpose,
    "service": lambda row: ServiceFact(name=row["name"], verbs=tuple(only(row, "name", "verbs")["verbs"])),
}
_OTHER = ("action", "resource", "amount", "caller", "subject")
_PLATFORM = (Contribution(source="platform", requirement=Requirement()),)


def facts_of(given: Row) -> Facts:
    """Read a case's facts; ``given`` names only what is not ordinary."""
    only(given, *_OTHER, *_READERS)
    name = given.get("action", "reports.read")
    resource = tuple(given["resource"].split("/")) if "resource" in given else _RESOURCES.get(name, ("report", "q3"))
    if name in BUILTIN_ACTIONS:
        resource = ("tiergate", "acme")
    action = ACTIONS.get(name)
    properties = {"amount": given["amount"]} if "amount" in given else {}
    fields, missing = bound_fields(action.binds if action else (), {"resource": {"properties": properties}})
    subject = given.get("subject", "alice")
    facts = Facts(
        at=NINE,
        subject=("user", subject),
        action_name=name,
        resource=(resource[0], resource[1]),
        binding=binding_of(name, resource, {"subject": subject, **({"amount": given["amount"]} if fields else {})}),
        caller=CallerKind(given.get("caller", "person")),
        tenant=TenantFact(id="acme", slug="acme", is_active=True),
        member=MemberFact(roles=("analyst",), is_active=True),
        privileges=("reports.read", "payments.send", "releases.deploy", "self"),
        action=action,
        missing_fields=missing,
        session=_session({}),
        contributions=_PLATFORM,
        versions=Versions(snapshot="g1.t1", policy="p1"),
    )
    told = {key: None if given[key] == "none" else _READERS[key](given[key]) for key in _READERS if key in given}
    return replace(facts, **told)


def target_of(facts: Facts) -> Target:
    """Say what the facts ask about."""
    return Target(action=facts.action_name, resource="/".join(facts.resource), binding=facts.binding)
