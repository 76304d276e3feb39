"""Facts that cannot be are never an allow, and never an exception."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.kernel.case_vocabulary import facts_of
from tests.kernel.strategies import facts as any_facts
from tiergate import Facts, Outcome, Reason, decide

ALLOWED = facts_of(
    {
        "action": "reports.export",
        "environment": "production",
        "entitlement": {"kind": "limit", "plan": {"limit": 10, "requirement": {"level": "aal2", "approvals": 1}}},
        "usage": {"used": 1},
        "approvals": 1,
        "session": {
            "proofs": [
                {"password": "1h ago"},
                {"totp": "1m ago", "for": {"kind": "action", "action": "reports.export", "until": "in 1m"}},
            ],
            "expires": "in 1h",
        },
    }
)
NAN = float("nan")


def _with(facts: Any, path: str, value: object) -> Any:
    """Put ``value`` at a dotted path; a number is an index into a tuple."""
    name, _, rest = path.partition(".")
    if name.isdigit():
        index = int(name)
        inner = _with(facts[index], rest, value) if rest else value
        return (*facts[:index], inner, *facts[index + 1 :])
    return replace(facts, **{name: _with(getattr(facts, name), rest, value) if rest else value})


BROKEN: list[tuple[str, object]] = [
    *((path, value) for path in ("tenant.is_active", "member.is_active") for value in ("false", "no", None, 1, [1])),
    *(("entitlement.is_granted", value) for value in ("false", None, 1, "yes")),
    *(("at", value) for value in (None, "2026-11-02T09:00:00Z", datetime(2026, 11, 2, 9))),  # noqa: DTZ001 - broken on purpose
    ("at", datetime(2026, 11, 2, 10, tzinfo=timezone(timedelta(hours=1)))),
    ("approvals", None),
    ("approvals", NAN),
    ("approvals", "1"),
    ("usage.used", None),
    ("usage.used", NAN),
    ("usage.used", -100),
    ("usage.reserved", -100),
    ("usage", None),
    ("entitlement", None),
    ("entitlement.limit", None),
    ("entitlement.limit", NAN),
    ("entitlement.unlimited", "no"),
    ("entitlement.feature", None),
    ("entitlement.contributions", None),
    ("entitlement.contributions.0", None),
    ("entitlement.contributions.0.requirement", None),
    ("entitlement.next_change_at", "tomorrow"),
    ("privileges", "reports.read, and more"),
    ("privileges", None),
    ("action.privilege", ""),
    ("action.callers", "persons"),
    ("action.callers", None),
    ("action.is_vendor_only", None),
    ("action.resource_type", None),
    ("action.environment_aware", None),
    ("action.environment_aware", 1),
    ("action.requirement", "aal1"),
    ("action_name", None),
    ("resource", None),
    ("resource", ()),
    ("subject", None),
    ("subject", ("user", "")),
    ("contributions", None),
    ("contributions", (None,)),
    ("forbids", None),
    ("forbids", 0),
    ("faults", None),
    ("faults", 0),
    ("missing_fields", None),
    ("session.state", None),
    ("session.state", "LIVE"),
    ("session.proofs", None),
    ("session.proofs.0", None),
    ("session.proofs.1.at", "yesterday"),
    ("session.proofs.1.at", None),
    ("session.proofs.1.factor_kind", None),
    ("session.proofs.1.scope", None),
    ("session.proofs.1.scope.kind", "galaxy"),
    ("session.proofs.1.scope.until", "tomorrow"),
    ("session.activity", None),
    ("session.activity.last_seen_at", "now"),
    ("session.expires_at", "never"),
    ("caller", None),
    ("caller", "persons"),
    ("tenant", "acme"),
    ("member", "alice"),
]
# With these a broken value cannot harm: it is read as the strict one, or does not speak for the request.
HARMLESS = {("entitlement.unlimited", "no"), ("action.environment_aware", None), ("action.environment_aware", 1)}


def test_the_whole_facts_are_allowed() -> None:
    assert decide(ALLOWED).reason == Reason.ALLOWED


@pytest.mark.parametrize(("path", "value"), [one for one in BROKEN if one[0] not in {path for path, _ in HARMLESS}])
def test_a_broken_fact_is_never_an_allow(path: str, value: object) -> None:
    assert decide(_with(ALLOWED, path, value)).outcome != Outcome.ALLOW


def test_an_odd_flag_is_read_as_the_strict_one() -> None:
    counted = _with(_with(ALLOWED, "usage.used", 10), "entitlement.unlimited", "no")
    assert decide(counted).outcome != Outcome.ALLOW
    deploy = facts_of({"action": "releases.deploy"})
    assert decide(_with(deploy, "action.environment_aware", None)).outcome == Outcome.STEP_UP


def _paths(value: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield prefix + name
            if prefix + name != "versions":
                yield from _paths(getattr(value, name), f"{prefix}{name}.")
    elif isinstance(value, tuple):
        for index, member in enumerate(value):
            yield from _paths(member, f"{prefix}{index}.")


ODD: st.SearchStrategy[object] = st.sampled_from(
    [None, "", "true", 0, 1, -1, NAN, (), ("",), {}, [None], object, SimpleNamespace()]
)


@given(st.sampled_from([path for path in _paths(ALLOWED) if "requirement." not in path and path != "versions"]), ODD)
def test_decide_answers_whatever_one_fact_is(path: str, value: object) -> None:
    decision = decide(_with(ALLOWED, path, value))
    assert decision.reason in Reason


@given(any_facts, st.lists(st.tuples(st.sampled_from(Facts.__struct_fields__), ODD), min_size=1, max_size=4))
def test_decide_answers_whatever_several_facts_are(facts: Facts, broken: list[tuple[str, object]]) -> None:
    nonsense = replace(facts, **dict(broken))
    decision = decide(nonsense)
    assert (decision.outcome == Outcome.ALLOW) == (decision.reason == Reason.ALLOWED)
    if nonsense.forbids != () or nonsense.faults != () or nonsense.tenant is None:
        assert decision.outcome == Outcome.DENY


def test_an_exception_names_its_kind_and_tells_nothing_else() -> None:
    secret = "hunter2"
    decision = decide(replace(ALLOWED, session=secret))
    assert decision.reason == Reason.INTERNAL_ERROR
    assert secret not in repr(decision.trace)
    assert decision.trace[0].note == "AttributeError"
