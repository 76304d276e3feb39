"""Scopes as rows: what a token may be good for, and the actions that it then stands for."""

from typing import Any

from licensing import names
from licensing.errors import UnknownAction
from licensing.models import Action, TokenScope, TokenScopeAction
from tiergate import ScopeSpec


def scope_json(row: TokenScope) -> dict[str, Any]:
    """Write a scope for people."""
    return {"name": row.name, "title": row.title, "actions": list(_actions(row))}


def scope_spec(row: TokenScope) -> ScopeSpec:
    """Read a scope as the kernel knows it."""
    return ScopeSpec(name=row.name, title=row.title, actions=_actions(row))


def _actions(row: TokenScope) -> tuple[str, ...]:
    return tuple(sorted(one.action.name for one in row.stands_for.all()))


def find_scope(name: str) -> TokenScope | None:
    """Find a scope with its actions; None where there is none."""
    return TokenScope.objects.prefetch_related("stands_for__action").filter(name=name).first()


def list_scopes(*, using: str) -> list[TokenScope]:
    """List all scopes with their actions, by name."""
    return list(TokenScope.objects.using(using).prefetch_related("stands_for__action").order_by("name"))


def write_scope(spec: ScopeSpec) -> TokenScope:
    """Create or replace a scope with just these actions.

    :raises UnknownAction: one of them is not in the catalogue.
    :raises InvalidName: its name, its title or the list of its actions is none.
    """
    name = names.key(spec.name, "scope")
    title = names.text(spec.title, "title")
    wanted = names.keys(spec.actions, "action")
    found = {row.name: row for row in Action.objects.filter(name__in=wanted)}
    strange = [one for one in wanted if one not in found]
    if strange:
        raise UnknownAction(f"The catalogue has no action {strange[0]!r}.")
    row, _ = TokenScope.objects.update_or_create(name=name, defaults={"title": title})
    row.stands_for.exclude(action__name__in=wanted).delete()
    TokenScopeAction.objects.bulk_create(
        [TokenScopeAction(scope=row, action=found[one]) for one in wanted], ignore_conflicts=True
    )
    again = find_scope(name)
    if again is None:
        raise RuntimeError("a scope that was just written is gone")
    return again


def names_of_scopes_with(action: str) -> list[str]:
    """Name the scopes that stand for an action."""
    return list(
        TokenScope.objects.filter(stands_for__action__name=action).order_by("name").values_list("name", flat=True)
    )
