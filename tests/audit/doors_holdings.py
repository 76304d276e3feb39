"""Doors of what a tenant holds: its plan, people, roles and environments, each gone through once."""

from audit.api import Kind
from authlevels import api as authlevels
from licensing import api as licensing
from tests.audit.told import Told
from tests.authlevels.acme import (
    NOON,
    Acme,
    later,
)
from tiergate import FeatureKind, FeatureSpec, Term


def _catalogue(_acme: Acme) -> None:
    with licensing.edit_catalogue(by="account:olga", at=NOON) as edit:
        edit.put_feature(FeatureSpec(key="exports", kind=FeatureKind.SWITCH, title="Exports"))
        edit.put_plan(
            licensing.PlanSpec(key="gold", title="Gold", rank=1, terms=(Term(feature="exports", value=True),))
        )


def _subscription(acme: Acme) -> None:
    _catalogue(acme)
    licensing.put_subscription(tenant_id=acme.tenant_id, plan="gold", by="account:olga", at=NOON)


def _override(acme: Acme) -> None:
    _catalogue(acme)
    licensing.put_override(
        tenant_id=acme.tenant_id, feature="exports", effect="removed", reason="late", by="account:olga", at=NOON
    )


def _no_override(acme: Acme) -> None:
    _override(acme)
    licensing.remove_override(tenant_id=acme.tenant_id, feature="exports", by="account:olga", at=later(1))


def _member(acme: Acme) -> None:
    licensing.put_member(
        tenant_id=acme.tenant_id, subject_type="user", subject_id="carol", roles=["owner"], by="account:olga", at=NOON
    )


def _invited(acme: Acme) -> str:
    _told, token = licensing.invite(
        tenant_id=acme.tenant_id, address="carol@acme.example", roles=["member"], by="account:olga", at=NOON
    )
    return token


def _accepted(acme: Acme) -> None:
    licensing.accept_invitation(
        tenant_id=acme.tenant_id,
        token=_invited(acme),
        subject_type="user",
        subject_id="carol",
        by="credential:product",
        at=NOON,
    )


def _uninvited(acme: Acme) -> None:
    _invited(acme)
    (found,) = licensing.list_invitations(tenant_id=acme.tenant_id, at=NOON)
    licensing.revoke_invitation(tenant_id=acme.tenant_id, invitation_id=found.id, by="account:olga", at=NOON)


def _no_member(acme: Acme) -> None:
    licensing.remove_member(tenant_id=acme.tenant_id, subject_type="user", subject_id="bob", by="account:olga", at=NOON)


def _role(acme: Acme) -> None:
    licensing.put_role(tenant_id=acme.tenant_id, key="boss", privileges=["x.y"], by="account:olga", at=NOON)


def _environments(acme: Acme) -> None:
    licensing.put_environments(
        tenant_id=acme.tenant_id, environments={"live": "production"}, by="account:olga", at=NOON
    )


def _tenant(_acme: Acme) -> None:
    licensing.put_tenant(slug="acme", name="Acme", settings={"acr": "x"}, by="account:olga", at=NOON)


def _erased(acme: Acme) -> None:
    acme.assert_bob()
    _no_member(acme)
    authlevels.erase_person(tenant_id=acme.tenant_id, subject=("user", "bob"), by="account:olga", at=later(1))


# Each door with what it does here, and what it tells.
TOLD: Told = {
    "edit_catalogue": (_catalogue, {Kind.CATALOG_APPLIED}),
    "put_tenant": (_tenant, {Kind.TENANT_CHANGED}),
    "put_member": (_member, {Kind.MEMBER_CHANGED}),
    "remove_member": (_no_member, {Kind.MEMBER_CHANGED}),
    "invite": (_invited, {Kind.INVITATION_OPENED}),
    "accept_invitation": (_accepted, {Kind.INVITATION_ACCEPTED, Kind.MEMBER_CHANGED}),
    "revoke_invitation": (_uninvited, {Kind.INVITATION_REVOKED}),
    "put_role": (_role, {Kind.ROLE_CHANGED}),
    "put_environments": (_environments, {Kind.ENVIRONMENTS_CHANGED}),
    "put_subscription": (_subscription, {Kind.SUBSCRIPTION_CHANGED}),
    "put_override": (_override, {Kind.OVERRIDE_CHANGED}),
    "remove_override": (_no_override, {Kind.OVERRIDE_CHANGED}),
    "erase_person": (_erased, {Kind.PERSON_ERASED}),
}
