"""Say in a table and in sentences what a tenant could use, by whose word, why, and until when."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from licensing.history.known import Known
from tiergate import Entitlement, FeatureKind, Grant, Override, OverrideEffect, Requirement, join

FROM_BEFORE = "Part of this stood already when the history began; what was changed before that is not known."


def table(known: Known) -> list[list[str]]:
    """Write a row for each feature: its key, whether it was granted, its value, the level asked, the actions that used it."""
    rows = [["FEATURE", "GRANTED", "VALUE", "ASKS", "ACTIONS"]]
    for key, one in known.entitlements.items():
        asked = join(one.contributions)
        rows.append(
            [
                key,
                "yes" if one.is_granted else "no",
                value_of(one),
                asks(asked) if asked else "-",
                ", ".join(known.actions.get(key, ())) or "-",
            ]
        )
    return rows


def aligned(rows: list[list[str]]) -> Iterator[str]:
    """Write rows as lines whose columns stand below each other."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def subscription_sentences(known: Known, *, author: str | None = None) -> list[str]:
    """Say what the tenant was on. author: who put it there, where that is known."""
    told = known.subscription
    if told is None:
        return ["It had no subscription."]
    add_ons = "".join(f", with {key}@{version}" for key, version in told.add_ons)
    by = f", put there by {author}" if author else ""
    out = [
        f"It was on {told.plan}@{told.version}{add_ons}: {told.status} {span(told.active_from, told.active_to)}{by}."
    ]
    if told.managed_by:
        out.append(f"{told.managed_by} managed the subscription ({told.external_id or 'no id'}).")
    for instant, what in (
        (told.trial_ends_at, "The trial ends"),
        (told.cancel_at, "It is cancelled"),
        (told.grace_until, "Grace after a failed payment ends"),
    ):
        if instant is not None:
            out.append(f"{what} on {when(instant)}.")
    return out


def why(known: Known, feature: str) -> list[str]:
    """Say of one feature what granted or withheld it, what it asked, and what was to change by time alone."""
    one = known.entitlements[feature]
    out = [_granting(grant) for grant in known.grants.get(feature, ()) if grant.is_active(known.at)]
    override = known.overrides.get(feature)
    if override is not None and override.is_active(known.at):
        out.append(_overriding(override))
    if not out:
        out.append("Nothing granted it.")
    out += [
        f"{part.source} asked {asks(part.requirement)}" + (f": {part.because}." if part.because else ".")
        for part in one.contributions
    ]
    floor = known.floors.get(feature)
    if floor is not None:
        out.append(f"It asks no less since {when(floor.raised_at)}: {floor.because}.")
    if one.next_change_at is not None:
        out.append(f"By time alone it was to be looked at again on {when(one.next_change_at)}.")
    return out


def known_json(known: Known) -> dict[str, Any]:
    """Write the reasons, by feature, for programs."""
    return {key: why(known, key) for key in known.entitlements}


def value_of(one: Entitlement) -> str:
    """Write what a feature is worth."""
    if not one.is_granted:
        return "-"
    if one.kind == FeatureKind.LIMIT:
        amount = "unlimited" if one.unlimited else str(one.limit)
        return f"{amount} per {one.reset_period.value}" if one.reset_period else amount
    return "on" if one.value is True else str(one.value)


def asks(requirement: Requirement) -> str:
    """Write a requirement in a few words."""
    parts = [requirement.level.value]
    if requirement.max_age is not None:
        parts.append(f"within {requirement.max_age} s")
    parts += ["phishing-resistant"] * requirement.phishing_resistant + ["device-bound"] * requirement.device_bound
    if requirement.to_json().get("scope"):
        parts.append(f"for one {requirement.scope.value}")
    if requirement.approvals:
        parts.append(f"and {requirement.approvals} approvals")
    return " ".join(parts)


def when(instant: datetime) -> str:
    """Write an instant for people."""
    told = instant.astimezone(UTC)
    return f"{told.day} {told:%B %Y %H:%M} UTC"


def span(since: datetime, until: datetime | None) -> str:
    """Write a range of time."""
    return f"from {when(since)} " + (f"until {when(until)}" if until else "until further notice")


def _granting(grant: Grant) -> str:
    term = grant.term
    if term.unlimited or term.limit is not None:
        said = "no limit" if term.unlimited else f"a limit of {term.limit}"
    elif isinstance(term.value, bool):
        said = "that it is on" if term.value else "that it is off"
    else:
        said = repr(term.value)
    return f"{grant.source} said {said} {span(grant.active_from, grant.active_to)}."


def _overriding(override: Override) -> str:
    done: Mapping[OverrideEffect, str] = {
        OverrideEffect.REMOVED: "took it away",
        OverrideEffect.INHERIT: "left its value",
        OverrideEffect.VALUE: "made it "
        + ("unlimited" if override.unlimited else str(override.value if override.limit is None else override.limit)),
    }
    return (
        f"An override by {override.by} {done[override.effect]} {span(override.active_from, override.expires_at)}"
        f": {override.reason}."
    )
