"""Tiergate's own actions hang together: each has a spec, and no role or credential gets by them."""

import pytest

from tests.kernel.strategies import AT
from tiergate import (
    BUILTIN_ACTIONS,
    BUILTIN_ROLES,
    IMPLICIT_PRIVILEGES,
    OWN_PREFIX,
    OWN_RESOURCE_TYPE,
    VENDOR_ROLES,
    Action,
    ActionSpec,
    CallerKind,
    Facts,
    Outcome,
    Reason,
    ServiceFact,
    TenantFact,
    Verb,
    decide,
)

PEOPLE_ONLY = [spec for spec in BUILTIN_ACTIONS.values() if CallerKind.SERVICE not in spec.callers]


def test_each_action_has_exactly_one_spec() -> None:
    assert set(BUILTIN_ACTIONS) == set(Action)
    assert all(name == spec.name for name, spec in BUILTIN_ACTIONS.items())


@pytest.mark.parametrize("spec", BUILTIN_ACTIONS.values(), ids=lambda spec: spec.name)
def test_each_spec_is_ours_needs_no_licence_and_names_a_verb(spec: ActionSpec) -> None:
    assert spec.name.startswith(OWN_PREFIX)
    assert spec.resource_type == OWN_RESOURCE_TYPE
    assert spec.feature is None
    assert spec.privilege in set(Verb)
    assert spec.callers
    assert spec.title


@pytest.mark.parametrize("spec", PEOPLE_ONLY, ids=lambda spec: spec.name)
def test_what_is_for_people_is_granted_to_no_service(spec: ActionSpec) -> None:
    facts = Facts(
        at=AT,
        subject=("credential", "ci"),
        action_name=spec.name,
        resource=(OWN_RESOURCE_TYPE, "acme"),
        binding="",
        caller=CallerKind.SERVICE,
        tenant=TenantFact(id="1", slug="vendor", is_active=True, is_vendor=True),
        service=ServiceFact(name="ci", verbs=tuple(Verb)),
        action=spec,
    )
    decision = decide(facts)
    assert (decision.outcome, decision.reason) == (Outcome.DENY, Reason.CALLER_NOT_ALLOWED)


def test_changing_a_factor_needs_the_highest_level_held() -> None:
    assert BUILTIN_ACTIONS[Action.FACTORS_MANAGE].needs_highest_held


@pytest.mark.parametrize("spec", [spec for spec in BUILTIN_ACTIONS.values() if spec.name.endswith(".write")], ids=str)
def test_what_changes_something_asks_a_person_for_aal2(spec: ActionSpec) -> None:
    assert spec.requirement is not None
    assert spec.requirement.level >= "aal2"


def test_every_privilege_of_a_role_is_a_verb_that_some_action_or_trail_needs() -> None:
    used = {spec.privilege for spec in BUILTIN_ACTIONS.values()} | {Verb.AUDIT_READ}
    for privileges in (*BUILTIN_ROLES.values(), *VENDOR_ROLES.values(), IMPLICIT_PRIVILEGES):
        assert privileges <= used
    assert set(Verb) == used


def test_roles_are_those_of_the_design_and_none_overrides_itself() -> None:
    assert set(BUILTIN_ROLES) == {"owner", "admin", "member", "auditor"}
    assert set(VENDOR_ROLES) == {"operator", "support"}
    for privileges in BUILTIN_ROLES.values():
        assert not privileges & {Verb.OVERRIDES_WRITE, Verb.TENANTS_WRITE, Verb.OPERATOR_ADMIN, Verb.SESSIONS_ASSERT}


def test_a_smaller_role_grants_nothing_that_the_owner_lacks() -> None:
    assert all(privileges <= BUILTIN_ROLES["owner"] for privileges in BUILTIN_ROLES.values())
    writing = {Verb.MEMBERS_WRITE, Verb.ROLES_WRITE, Verb.SUBSCRIPTION_WRITE}
    assert not (BUILTIN_ROLES["member"] | BUILTIN_ROLES["auditor"]) & writing


def test_the_catalogue_and_the_roles_cannot_be_changed_in_place() -> None:
    for mapping in (BUILTIN_ACTIONS, BUILTIN_ROLES, VENDOR_ROLES):
        with pytest.raises(TypeError):
            mapping["x"] = None  # type: ignore[index]


@pytest.mark.parametrize("name", ["tenant.list", "tenant.write", "subscription.write", "override.write"])
def test_what_a_tenant_could_help_itself_with_is_the_vendors_alone(name: str) -> None:
    spec = BUILTIN_ACTIONS[f"tiergate.{name}"]
    assert spec.is_vendor_only
    if spec.name.endswith(".write"):
        assert not any(spec.privilege in privileges for privileges in BUILTIN_ROLES.values())
