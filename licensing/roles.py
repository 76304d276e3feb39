"""What a role lets its holder do: built in, plus the vendor's catalogue, plus the tenant's own word."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import audit.api
from isolation.api import tenant_transaction
from licensing import names
from licensing.catalogue_rows import requirement_json, requirement_of
from licensing.errors import PrivilegeBeyondOwn, PrivilegeReserved, RoleNotFound
from licensing.models import Role, RoleDefault
from licensing.push import publish
from licensing.tenant_lock import lock_tenant
from tiergate import BUILTIN_ROLES, VENDOR_ROLES, Requirement, Verb

# What a tenant's own people may be granted of Tiergate's verbs: what its owner has, and no more.
_GRANTABLE = frozenset().union(*BUILTIN_ROLES.values())
_RESERVED = frozenset(verb.value for verb in Verb) - _GRANTABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSpec:
    """What a role grants, and what it asks of whoever acts by it."""

    key: str
    privileges: frozenset[str]
    requirement: Requirement | None = None

    def __or__(self, other: "RoleSpec") -> "RoleSpec":
        """Join two sources of one role: both grants, and both demands."""
        asked = [one for one in (self.requirement, other.requirement) if one is not None]
        joined = asked[0] | asked[-1] if asked else None
        return RoleSpec(key=self.key, privileges=self.privileges | other.privileges, requirement=joined)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleView:
    """A role of a tenant as it stands."""

    key: str
    privileges: tuple[str, ...]
    requirement: Requirement | None
    is_built_in: bool


def allowed_privileges(privileges: Sequence[str], *, tenant_id: UUID | None = None) -> list[str]:
    """Return privileges in order, each once.

    tenant_id: whose role it is; the vendor's own may hold what is reserved.
    :raises PrivilegeReserved: one that only the vendor may hold.
    :raises InvalidName: one that cannot be a name.
    """
    wanted = names.keys(privileges, "privilege")
    reserved = sorted(set(wanted) & _RESERVED)
    if reserved and tenant_id != names.VENDOR_TENANT_ID:
        raise PrivilegeReserved(f"{reserved[0]} is the vendor's own and cannot be granted by a role here.")
    return wanted


def built_in_roles(tenant_id: UUID) -> dict[str, RoleSpec]:
    """List the roles that a tenant starts with; the vendor's has the operator's too."""
    found = {**BUILTIN_ROLES, **(VENDOR_ROLES if tenant_id == names.VENDOR_TENANT_ID else {})}
    return {key: RoleSpec(key=key, privileges=frozenset(map(str, privileges))) for key, privileges in found.items()}


def spec_of(row: Role | RoleDefault) -> RoleSpec:
    """Read one source of a role."""
    return RoleSpec(key=row.key, privileges=frozenset(row.privileges), requirement=requirement_of(row.requirement))


def joined_roles(tenant_id: UUID, defaults: Mapping[str, RoleSpec], own: Mapping[str, RoleSpec]) -> dict[str, RoleSpec]:
    """Join what is built in, what the catalogue says, and what the tenant says of each role."""
    out = built_in_roles(tenant_id)
    for source in (defaults, own):
        for key, spec in source.items():
            out[key] = out[key] | spec if key in out else spec
    return out


def put_role(
    *,
    tenant_id: UUID,
    key: str,
    privileges: Sequence[str],
    requirement: Requirement | None = None,
    within: Container[str] | None = None,
    by: str,
    at: datetime,
) -> tuple[RoleView, bool]:
    """Create or replace a tenant's role; of a built-in one, what the tenant adds to it.

    Returns the role as it now stands, and whether the tenant had said nothing of it before.

    within: what whoever does this holds themselves; None: no such bound.
    :raises PrivilegeReserved: a privilege that only the vendor may hold.
    :raises PrivilegeBeyondOwn: the role has, or would have, a privilege that its author does not hold.
    """
    names.key(key, "role")
    author = names.text(by, "author", may_be_empty=False)
    wanted = allowed_privileges(privileges, tenant_id=tenant_id)
    asked = requirement_json(requirement)
    with tenant_transaction(tenant_id):
        lock_tenant(tenant_id)
        require_within(wanted, within)
        standing = _standing(tenant_id).get(key)
        require_within(standing.privileges if standing else (), within)
        row, created = Role.objects.get_or_create(
            tenant_id=tenant_id, key=key, defaults={"privileges": wanted, "requirement": asked}
        )
        old = None if created else _json(row)
        row.privileges, row.requirement = wanted, asked
        if old != _json(row):
            if not created:
                row.save(update_fields=["privileges", "requirement"])
            audit.api.append(
                tenant_id=tenant_id,
                kind=audit.api.Kind.ROLE_CHANGED,
                at=at,
                payload={"by": author, "role": key, "old": old, "new": _json(row)},
            )
            publish("tenant", str(tenant_id))
        return _view(tenant_id, key), created


def get_role(*, tenant_id: UUID, key: str) -> RoleView:
    """Return a role as it stands for a tenant.

    :raises RoleNotFound: nothing defines it.
    """
    with tenant_transaction(tenant_id):
        return _view(tenant_id, key)


def list_roles(*, tenant_id: UUID) -> list[RoleView]:
    """List every role that a tenant's members may hold, by key."""
    with tenant_transaction(tenant_id):
        return [_told(tenant_id, key, spec) for key, spec in sorted(_standing(tenant_id).items())]


def privileges_of(tenant_id: UUID, roles: Sequence[str]) -> frozenset[str]:
    """List what these roles grant together, within a transaction of the tenant."""
    standing = _standing(tenant_id)
    return frozenset[str]().union(*(standing[key].privileges for key in roles if key in standing))


class WithinVerbs(Container[str]):
    """What a service may grant: any product's privilege and an owner's, but nothing reserved that is no verb of its own.

    A service provisions people with privileges that it has no use for itself, so its verbs do not bound them all.
    """

    def __init__(self, verbs: Iterable[str]) -> None:
        self._verbs = frozenset(verbs)

    def __contains__(self, privilege: object) -> bool:
        """Say whether the service may grant or take away this privilege."""
        return privilege not in _RESERVED or privilege in self._verbs


def require_within(privileges: Iterable[str], within: Container[str] | None) -> None:
    """Refuse to touch a privilege that the author does not hold.

    :raises PrivilegeBeyondOwn: names one.
    """
    beyond = sorted(one for one in set(privileges) if one not in within) if within is not None else []
    if beyond:
        raise PrivilegeBeyondOwn(f"You do not hold {beyond[0]} yourself.", privilege=beyond[0])


def _standing(tenant_id: UUID) -> dict[str, RoleSpec]:
    defaults = {row.key: spec_of(row) for row in RoleDefault.objects.all()}
    own = {row.key: spec_of(row) for row in Role.objects.filter(tenant_id=tenant_id)}
    return joined_roles(tenant_id, defaults, own)


def _view(tenant_id: UUID, key: str) -> RoleView:
    spec = _standing(tenant_id).get(key)
    if spec is None:
        raise RoleNotFound("The tenant has no such role.")
    return _told(tenant_id, key, spec)


def _told(tenant_id: UUID, key: str, spec: RoleSpec) -> RoleView:
    return RoleView(
        key=key,
        privileges=tuple(sorted(spec.privileges)),
        requirement=spec.requirement,
        is_built_in=key in built_in_roles(tenant_id),
    )


def _json(row: Role) -> dict[str, Any]:
    return {"privileges": list(row.privileges), "requirement": row.requirement}
