"""Make the catalogue what a file says, in one transaction; or find out what that would change."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from licensing.catalog_file.desired import SECTIONS, DesiredCatalogue, DesiredRole
from licensing.catalog_file.mistakes import FileRefused, Mistake, Place
from licensing.catalogue_changes import CatalogueEdit, Change, edit_catalogue
from licensing.catalogue_rows import requirement_of
from licensing.errors import CatalogueConflict
from licensing.models import Action, Feature, Plan, RoleDefault, TokenScope
from licensing.models.catalogue import PlanKind
from tiergate import TiergateError


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of a file.

    changes: what is otherwise now, or would be.
    absent: what the catalogue has and the file has not, as (what, key); kept unless it was to be pruned.
    kept: of these, what could not go, with the reason.
    """

    changes: tuple[Change, ...]
    absent: tuple[tuple[str, str], ...] = ()
    kept: tuple[str, ...] = ()


@dataclass(slots=True)
class _Present:
    """What the catalogue has now, beside what the file asks for."""

    desired: DesiredCatalogue
    features: set[str] = field(default_factory=set)
    actions: dict[str, str] = field(default_factory=dict)
    roles: dict[str, RoleDefault] = field(default_factory=dict)
    plans: set[tuple[str, str]] = field(default_factory=set)
    scopes: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        wanted = {(spec.kind, spec.key) for spec in self.desired.plans}
        self.features = set(Feature.objects.values_list("key", flat=True)) - set(self.desired.features)
        self.actions = {
            name: privilege
            for name, privilege in Action.objects.values_list("name", "privilege")
            if name not in self.desired.actions
        }
        self.roles = {row.key: row for row in RoleDefault.objects.all()}
        on_sale = Plan.objects.filter(current__isnull=False).values_list("kind", "key")
        self.plans = {(kind, key) for kind, key in on_sale if (kind, key) not in wanted}

        self.scopes = set(TokenScope.objects.values_list("name", flat=True)) - set(self.desired.scopes)

    def absent(self) -> tuple[tuple[str, str], ...]:
        gone = [("scope", name) for name in sorted(self.scopes)]
        gone += [("action", name) for name in sorted(self.actions)]
        gone += [("role", key) for key in sorted(set(self.roles) - set(self.desired.roles))]
        gone += sorted(self.plans, key=lambda one: (one[0] != PlanKind.PLAN, one[1]))
        return (*gone, *(("feature", key) for key in sorted(self.features)))


def apply_catalogue(
    desired: DesiredCatalogue, *, by: str, at: datetime, plan_only: bool = False, prune: bool = False
) -> Applied:
    """Make the catalogue what a file says, whole or not at all; the same file again changes nothing.

    plan_only: change nothing, and tell what would change.
    prune: take off sale, or remove, what the file does not name. A feature that a published version speaks of
        stays, since such a version never changes.
    :raises FileRefused: something in the catalogue stands against it; every such thing is told.
    """
    with edit_catalogue(by=by, at=at, dry_run=plan_only) as edit:
        present = _Present(desired)
        absent = present.absent()
        if prune:
            _remove(edit, present)
        _put(edit, desired, present, prune=prune)
        kept = _remove_features(edit, present) if prune else ()
        return Applied(changes=tuple(edit.changes), absent=absent, kept=tuple(kept))


def _remove(edit: CatalogueEdit, present: _Present) -> None:
    for name in sorted(present.scopes):
        edit.remove_scope(name)
    for name in sorted(present.actions):
        edit.remove_action(name)
    for key in sorted(set(present.roles) - set(present.desired.roles)):
        edit.remove_role(key)
    for kind, key in sorted(present.plans):
        edit.retire_plan(key, kind=kind)


def _remove_features(edit: CatalogueEdit, present: _Present) -> list[str]:
    kept = []
    for key in sorted(present.features):
        try:
            edit.remove_feature(key)
        except CatalogueConflict as error:
            kept.append(error.detail)
    return kept


def _put(edit: CatalogueEdit, desired: DesiredCatalogue, present: _Present, *, prune: bool) -> None:
    mistakes: list[Mistake] = []

    def attempt(path: Place, write: Callable[[], object]) -> None:
        try:
            write()
        except TiergateError as error:
            mistakes.append(Mistake(desired.document.line(path), error.detail))

    def stop_if_refused() -> None:
        # What stands on a refused feature would be refused too, and say nothing new.
        if mistakes:
            raise FileRefused(desired.document.name, mistakes)

    for feature in desired.features.values():
        attempt(("features", feature.key), partial(edit.put_feature, feature))
    stop_if_refused()
    for key, role in _roles(desired, present, prune=prune).items():
        attempt(("roles", key), partial(edit.put_role, key, sorted(role.privileges), role.requirement))
    for action in desired.actions.values():
        attempt(("actions", action.name), partial(edit.put_action, action))
    for scope in desired.scopes.values():
        attempt(("scopes", scope.name), partial(edit.put_scope, scope))
    for plan in desired.plans:
        attempt((SECTIONS[PlanKind(plan.kind)], plan.key), partial(edit.put_plan, plan))
    stop_if_refused()


def _roles(desired: DesiredCatalogue, present: _Present, *, prune: bool) -> dict[str, DesiredRole]:
    """Work out what each role is to be.

    The file alone says who may do its actions, even where it takes a role's last privilege and so no longer
    names the role. An action that it does not name keeps working for those whom it worked for.
    """
    said = {action.privilege for action in desired.actions.values()}
    unsaid = set() if prune else set(present.actions.values()) - said
    out = {
        key: DesiredRole(
            privileges=role.privileges | (_privileges(present, key) & unsaid), requirement=role.requirement
        )
        for key, role in desired.roles.items()
    }
    for key, row in present.roles.items():
        if key not in out and not prune:
            out[key] = DesiredRole(privileges=set(row.privileges) - said, requirement=requirement_of(row.requirement))
    return out


def _privileges(present: _Present, role: str) -> set[str]:
    return set(present.roles[role].privileges) if role in present.roles else set()
