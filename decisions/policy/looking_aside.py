"""What a candidate that is tried beside the bundle in force answered otherwise, as the trail tells."""

from collections.abc import Callable, Iterator
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct, field

from decisions.policy.recorded import Decided, Unreadable, walk
from tiergate import Outcome, Requirement
from tiergate.policy.comparing import Change, change_of_outcome
from tiergate.policy.impact import MAX_EXAMPLES, Counts, Missing

type Progress = Callable[[int], None]


class Aside(Struct, frozen=True, kw_only=True):
    """What was recorded of a candidate: only where it would have answered, or asked, something else."""

    bundle: str
    outcome: Outcome
    reason: str
    requirement: Requirement | None = None


class Beside(Struct, kw_only=True):
    """One candidate. differing: decisions, by what would have become of them; tenants: by slug, how many."""

    differing: Counts = field(default_factory=dict)
    tenants: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)


class Seen(Struct, kw_only=True):
    """What the trail tells. decisions: all that were read, whether something was tried beside them or not."""

    decisions: int = 0
    candidates: dict[str, Beside] = field(default_factory=dict)
    left_out: dict[str, Missing] = field(default_factory=dict)


def look_aside(
    *, since: datetime, until: datetime, tenant_id: UUID | None = None, progress: Progress | None = None
) -> Seen:
    """Count what candidates would have answered otherwise from ``since`` on and before ``until``.

    :raises FactsUnavailable: this process may not look through all tenants.
    """
    seen = Seen()
    for page in walk(since=since, until=until, tenant_id=tenant_id):
        for one in page.found:
            seen.decisions += 1
            if isinstance(one, Unreadable):
                seen.left_out.setdefault(one.reason, Missing()).add(one.id)
            elif one.shadow:
                _note(seen, one)
        if progress is not None:
            progress(seen.decisions)
    return seen


def _note(seen: Seen, one: Decided) -> None:
    id_ = one.recorded.id
    try:
        aside = msgspec.convert(one.shadow, Aside)
    except msgspec.ValidationError as error:
        seen.left_out.setdefault(f"what was tried beside cannot be read: {error}", Missing()).add(id_)
        return
    beside = seen.candidates.setdefault(aside.bundle, Beside())
    change = _change(one, aside).value
    tenant = "" if one.facts.tenant is None else one.facts.tenant.slug
    beside.differing[change] = beside.differing.get(change, 0) + 1
    beside.tenants[tenant] = beside.tenants.get(tenant, 0) + 1
    examples = beside.examples.setdefault(change, [])
    if len(examples) < MAX_EXAMPLES:
        examples.append(id_)


def _change(one: Decided, aside: Aside) -> Change:
    change = change_of_outcome(one.decision.outcome, aside.outcome)
    before, after = one.decision.requirement, aside.requirement
    if change != Change.UNCHANGED or before == after:
        return change
    is_raised = before is not None and after is not None and after.is_at_least(before)
    return Change.REQUIREMENT_RAISED if is_raised else Change.REQUIREMENT_LOWERED


def to_lines(seen: Seen) -> Iterator[str]:
    """Tell what was seen, line by line."""
    yield f"{seen.decisions} decisions"
    for digest, beside in seen.candidates.items():
        total = sum(beside.differing.values())
        yield f"{digest[:12]} would have made {total} otherwise:"
        for change, count in sorted(beside.differing.items()):
            yield f"  {count:>9}  {change.replace('_', ' ')} ({', '.join(beside.examples[change])})"
        for tenant, count in sorted(beside.tenants.items(), key=lambda share: (-share[1], share[0])):
            yield f"  {count:>9}  of {tenant or '(none)'}"
    if not seen.candidates:
        yield "No candidate that was tried beside would have made any of them otherwise."
    for reason, missing in seen.left_out.items():
        yield f"{missing.count} not looked at: {reason} ({', '.join(missing.ids)})"
