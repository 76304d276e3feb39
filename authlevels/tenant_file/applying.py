"""Make tenants and people what a file says, in one transaction; or find out what that would change."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from django.db import IntegrityError, connection, transaction

import licensing.api
from authlevels.errors import PasswordRefused
from authlevels.models import User
from authlevels.models.people import ACCOUNT
from authlevels.people import put_user
from authlevels.policy import get_policy, put_policy
from authlevels.tenant_file.desired import DesiredMember, DesiredTenants, instant_in, requirement_in
from licensing.api import Change, FileRefused, Mistake, Place, Tenant
from tiergate import TiergateError

type State = dict[str, Any] | None

_ONE_AT_A_TIME: Final = 0x7469_6574  # any number of our own: the key of an advisory lock
_PAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of a file. changes: what is otherwise now, or would be. notes: what stays, and why."""

    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()


@contextmanager
def alone() -> Iterator[None]:
    """Wait for whoever applies a file just now, and hold up the others, in a transaction.

    Who passes an instant of the clock reads it in here: one of before the wait lies before what the others made.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ONE_AT_A_TIME])
        yield


def apply_tenants(
    desired: DesiredTenants, *, by: str, at: datetime, plan_only: bool = False, prune: bool = False
) -> Applied:
    """Make tenants and people what a file says, whole or not at all; the same file again changes nothing.

    plan_only: change nothing, and tell what would change.
    prune: end memberships and overrides that the file does not name, in tenants whose list of them it gives.
    :raises FileRefused: something stands against it, such as a plan that is not for sale; all of it is told.
    """
    with alone():
        applying = _Applying(desired, by=by, at=at, prune=prune)
        applying.run()
        if plan_only:
            transaction.set_rollback(True)
    return Applied(changes=tuple(applying.changes), notes=tuple(applying.notes))


class _Applying:
    """Each step reads, writes by a door, and reads again: what differs is the change."""

    def __init__(self, desired: DesiredTenants, *, by: str, at: datetime, prune: bool) -> None:
        self.desired = desired
        self.by = by
        self.at = at
        self.prune = prune
        self.changes: list[Change] = []
        self.notes: list[str] = []
        self.mistakes: list[Mistake] = []

    def run(self) -> None:
        for name, said in sorted(self.desired.users.items()):
            self.person(f"user {name}", ("users", name), subject_id=name, **said)
        # In one order, so that two who write the same tenants never wait for each other.
        for slug, said in sorted(self.desired.tenants.items()):
            self.tenant(slug, said)
        if self.mistakes:
            raise FileRefused(self.desired.document.name, self.mistakes)

    def wrong(self, path: Place, sentence: str) -> None:
        self.mistakes.append(Mistake(self.desired.document.line(path), sentence))

    def attempt(self, path: Place, write: Callable[[], object]) -> bool:
        try:
            with transaction.atomic():
                write()
        except (TiergateError, ValueError) as error:
            self.wrong(path, str(error))
            return False
        return True

    def step(self, named: tuple[str, str], path: Place, read: Callable[[], State], write: Callable[[], object]) -> None:
        old = read()
        if self.attempt(path, write):
            new = read()
            if new != old:
                self.changes.append(Change(what=named[0], key=named[1], old=old, new=new))

    def person(self, named: str, path: Place, **said: Any) -> None:
        try:
            with transaction.atomic():
                _id, changed = put_user(at=self.at, by=self.by, **said)
        except IntegrityError:
            self.wrong((*path, "email"), f"The e-mail address of {named} is another person's.")
        except PasswordRefused as error:
            self.wrong((*path, "password"), f"The password of {named} is refused. {error.detail}")
        except ValueError as error:
            self.wrong((*path, "totp_secret"), str(error))
        else:
            what, _space, key = named.partition(" ")
            if "created" in changed:
                self.changes.append(Change(what=what, key=key, old=None, new={}))
            elif changed:
                # What a secret was or is belongs on no screen.
                old, new = dict.fromkeys(changed, "former"), dict.fromkeys(changed, "new")
                self.changes.append(Change(what=what, key=key, old=old, new=new))

    def tenant(self, slug: str, said: Mapping[str, Any]) -> None:
        path: Place = ("tenants", slug)
        if slug != licensing.api.VENDOR_SLUG:
            present = _tenant(slug)
            status = said.get("status", present.status if present else "active")
            self.step(
                ("tenant", slug),
                path,
                lambda: _tenant_state(slug),
                lambda: licensing.api.put_tenant(slug=slug, name=said["name"], status=status, by=self.by, at=self.at),
            )
        tenant = _tenant(slug)
        if tenant is None:
            return
        for named, write in (("environments", self.environments), ("step_up", self.step_up)):
            if named in said:
                write(tenant, said[named])
        for key, role in said.get("roles", {}).items():
            self.role(tenant, key, role)
        # Whoever becomes an owner first: another may cease to be one.
        for member in sorted(self.desired.members(slug), key=lambda one: not one.will_own):
            self.member(tenant, member)
        if "members" in said:
            self.absent_members(tenant)
        self.bought(tenant, said)

    def bought(self, tenant: Tenant, said: Mapping[str, Any]) -> None:
        if "subscription" in said:
            self.subscription(tenant, said["subscription"])
        for number, override in enumerate(said.get("overrides", [])):
            self.override(tenant, number, override)
        if "overrides" in said:
            self.absent_overrides(tenant, {one["feature"] for one in said["overrides"]})

    def environments(self, tenant: Tenant, said: Mapping[str, str]) -> None:
        self.step(
            ("environments", tenant.slug),
            ("tenants", tenant.slug, "environments"),
            lambda: {name: str(one) for name, one in licensing.api.list_environments(tenant_id=tenant.id).items()},
            lambda: licensing.api.put_environments(tenant_id=tenant.id, environments=said, by=self.by, at=self.at),
        )

    def role(self, tenant: Tenant, key: str, said: Mapping[str, Any]) -> None:
        def write() -> object:
            return licensing.api.put_role(
                tenant_id=tenant.id,
                key=key,
                privileges=said.get("privileges", []),
                requirement=requirement_in(said),
                by=self.by,
                at=self.at,
            )

        def read() -> State:
            roles = {role.key: role for role in licensing.api.list_roles(tenant_id=tenant.id)}
            if key not in roles:
                return None
            asked = roles[key].requirement
            return {"privileges": list(roles[key].privileges), "requires": asked.to_json() if asked else None}

        self.step(("role", f"{tenant.slug} {key}"), ("tenants", tenant.slug, "roles", key), read, write)

    def member(self, tenant: Tenant, wanted: DesiredMember) -> None:
        subject_type, subject_id = wanted.subject
        named = f"{tenant.slug} {subject_type}:{subject_id}"
        if subject_type == ACCOUNT and not _is_account(subject_id):
            self.wrong(wanted.path, f"{subject_type}:{subject_id} is nobody: there is no such user here or before.")
            return

        def find() -> licensing.api.Member | None:
            return licensing.api.get_member(tenant_id=tenant.id, subject_type=subject_type, subject_id=subject_id)

        def read() -> State:
            found = find()
            if found is None:
                return None
            return {"roles": list(found.roles), "display_name": found.display_name, "active": found.active}

        present = find()
        display_name = present.display_name if present and wanted.display_name is None else wanted.display_name
        active = present.active if present and wanted.active is None else wanted.active
        self.step(
            ("member", named),
            wanted.path,
            read,
            lambda: licensing.api.put_member(
                tenant_id=tenant.id,
                subject_type=subject_type,
                subject_id=subject_id,
                roles=wanted.roles,
                display_name=display_name or "",
                active=active is not False,
                by=self.by,
                at=self.at,
            ),
        )
        if wanted.totp_secret is not None:
            self.person(
                f"factor {named}",
                wanted.path,
                realm=tenant.id,
                subject_type=subject_type,
                subject_id=subject_id,
                totp_secret=wanted.totp_secret,
            )

    def absent_members(self, tenant: Tenant) -> None:
        wanted = {member.subject for member in self.desired.members(tenant.slug)}
        after: tuple[str, str] | None = None
        while page := licensing.api.list_members(tenant_id=tenant.id, after=after, limit=_PAGE):
            after = (page[-1].subject_type, page[-1].subject_id)
            for subject in [(one.subject_type, one.subject_id) for one in page]:
                if subject not in wanted:
                    self.absent_member(tenant, subject)

    def absent_member(self, tenant: Tenant, subject: tuple[str, str]) -> None:
        named = f"{tenant.slug} {subject[0]}:{subject[1]}"
        if not self.prune:
            self.notes.append(f"- member {named} is not in the file and stays, unless you say --prune")
            return
        if self.attempt(
            ("tenants", tenant.slug, "members"),
            lambda: licensing.api.remove_member(
                tenant_id=tenant.id, subject_type=subject[0], subject_id=subject[1], by=self.by, at=self.at
            ),
        ):
            self.changes.append(Change(what="member", key=named, old={}, new=None))

    def step_up(self, tenant: Tenant, said: Mapping[str, Any]) -> None:
        self.step(
            ("step_up", tenant.slug),
            ("tenants", tenant.slug, "step_up"),
            lambda: asdict(get_policy(tenant_id=tenant.id)),
            lambda: put_policy(tenant_id=tenant.id, by=self.by, at=self.at, **said),
        )

    def subscription(self, tenant: Tenant, said: Mapping[str, Any]) -> None:
        begins = instant_in(said["from"]) if "from" in said else None
        present = _subscription(tenant, begins or self.at)
        is_kept = present is not None and present.plan == said["plan"]
        held = [key for key, _version in present.add_ons] if present else []
        ends = present.active_to if present and is_kept else None
        if "to" in said:
            ends = instant_in(said["to"]) if said["to"] else None

        def read() -> State:
            found = _subscription(tenant, begins or self.at)
            return None if found is None else _subscription_state(found)

        self.step(
            ("subscription", tenant.slug),
            ("tenants", tenant.slug, "subscription"),
            read,
            lambda: licensing.api.put_subscription(
                tenant_id=tenant.id,
                plan=said["plan"],
                version=said.get("version"),
                status=said.get("status", present.status if present and is_kept else "active"),
                active_from=begins,
                active_to=ends,
                add_ons=said.get("add_ons", held),
                by=self.by,
                at=self.at,
            ),
        )

    def override(self, tenant: Tenant, number: int, said: Mapping[str, Any]) -> None:
        feature = said["feature"]
        named = f"{tenant.slug} {feature}"
        expires = instant_in(said["expires"]) if "expires" in said else None
        if expires is not None and expires <= self.at:
            self.notes.append(f"! override {named} is over since {said['expires']}, and is passed by")
            return
        self.step(
            ("override", named),
            ("tenants", tenant.slug, "overrides", number),
            lambda: _overrides(tenant).get(feature),
            lambda: licensing.api.put_override(
                tenant_id=tenant.id,
                feature=feature,
                effect=said["effect"],
                value=said.get("value"),
                limit=said.get("limit"),
                unlimited=said.get("unlimited", False),
                reset_period=said.get("per"),
                requirement=requirement_in(said),
                reason=said["reason"],
                expires_at=expires,
                by=self.by,
                at=self.at,
            ),
        )

    def absent_overrides(self, tenant: Tenant, wanted: set[str]) -> None:
        for feature in sorted(set(_overrides(tenant)) - wanted):
            named = f"{tenant.slug} {feature}"
            if self.prune:
                licensing.api.remove_override(tenant_id=tenant.id, feature=feature, by=self.by, at=self.at)
                self.changes.append(Change(what="override", key=named, old={}, new=None))
            else:
                self.notes.append(f"- override {named} is not in the file and stays, unless you say --prune")


def _tenant(slug: str) -> Tenant | None:
    try:
        return licensing.api.get_tenant(slug)
    except licensing.api.TenantNotFound:
        return None


def _tenant_state(slug: str) -> State:
    found = _tenant(slug)
    return None if found is None else {"name": found.name, "status": found.status}


def _is_account(subject_id: str) -> bool:
    return User.objects.filter(realm__isnull=True, subject_type=ACCOUNT, subject_id=subject_id).exists()


def _subscription(tenant: Tenant, at: datetime) -> licensing.api.Subscription | None:
    try:
        return licensing.api.get_subscription(tenant_id=tenant.id, at=at)
    except licensing.api.SubscriptionNotFound:
        return None


def _subscription_state(told: licensing.api.Subscription) -> dict[str, Any]:
    # Not its start: the same plan bought anew is no change to a person.
    return {
        "plan": f"{told.plan}@{told.version}",
        "status": told.status,
        "to": told.active_to.isoformat() if told.active_to else None,
        "add_ons": [f"{key}@{version}" for key, version in told.add_ons],
    }


def _overrides(tenant: Tenant) -> dict[str, dict[str, Any]]:
    return {
        one.feature: {
            "effect": one.effect.value,
            "value": one.value,
            "limit": one.limit,
            "unlimited": one.unlimited,
            "per": one.reset_period,
            "requires": one.requirement.to_json() if one.requirement else None,
            "reason": one.reason,
            "expires": one.expires_at.isoformat() if one.expires_at else None,
        }
        for one in licensing.api.list_overrides(tenant_id=tenant.id, limit=10_000)
    }
