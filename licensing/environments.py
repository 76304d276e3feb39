"""Which environments a tenant has: declared by its own people, each with how sensitive it is."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

import audit.api
from isolation.api import tenant_transaction
from licensing import names
from licensing.errors import InvalidName
from licensing.models import Environment
from licensing.push import publish
from licensing.tenant_lock import lock_tenant
from tiergate import EnvironmentSensitivity, sensitivity_of

MAX_ENVIRONMENTS: Final = 50

type Declared = dict[str, EnvironmentSensitivity]


def list_environments(*, tenant_id: UUID) -> Declared:
    """Return what a tenant declares, by name; empty where the three sensitivities go by their own names."""
    with tenant_transaction(tenant_id):
        return _declared(tenant_id)


def put_environments(
    *, tenant_id: UUID, environments: Mapping[str, str], by: str, at: datetime
) -> tuple[Declared, bool]:
    """Declare a tenant's environments, all of them: what is not named is declared no longer.

    Returns what is declared now, and whether that is new. The trail is told which names ask less than before.

    :raises InvalidName: a name that cannot be one, an unknown sensitivity, or more than 50.
    """
    if len(environments) > MAX_ENVIRONMENTS:
        raise InvalidName(f"A tenant declares at most {MAX_ENVIRONMENTS} environments.")
    wanted = {names.key(name, "environment"): read_sensitivity(said) for name, said in environments.items()}
    author = names.text(by, "author", may_be_empty=False)
    with tenant_transaction(tenant_id):
        # Two lists that are written at once must not end up as one of both.
        lock_tenant(tenant_id)
        old = _declared(tenant_id)
        if old == wanted:
            return old, False
        Environment.objects.filter(tenant_id=tenant_id).exclude(name__in=list(wanted)).delete()
        for name, sensitivity in wanted.items():
            if name not in old:
                Environment.objects.create(tenant_id=tenant_id, name=name, sensitivity=sensitivity)
            elif old[name] != sensitivity:
                Environment.objects.filter(tenant_id=tenant_id, name=name).update(sensitivity=sensitivity)
        audit.api.append(
            tenant_id=tenant_id,
            kind=audit.api.Kind.ENVIRONMENTS_CHANGED,
            at=at,
            payload={"by": author, "old": old, "new": wanted, "lowered": lowered(old, wanted)},
        )
        publish("tenant", str(tenant_id))
    return wanted, True


def lowered(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """List the names that stand for something less sensitive than before; one that is nobody's counts as production."""
    names_known = sorted({*old, *new, *EnvironmentSensitivity})
    return [name for name in names_known if _rank(name, new) < _rank(name, old)]


def _rank(name: str, declared: Mapping[str, str]) -> int:
    return (sensitivity_of(name, declared) or EnvironmentSensitivity.PRODUCTION).rank


def _declared(tenant_id: UUID) -> Declared:
    rows = Environment.objects.filter(tenant_id=tenant_id).order_by("name")
    return {row.name: EnvironmentSensitivity(row.sensitivity) for row in rows}


def read_sensitivity(said: str) -> EnvironmentSensitivity:
    """Read a sensitivity.

    :raises InvalidName: there is none such.
    """
    try:
        return EnvironmentSensitivity(said)
    except ValueError:
        raise InvalidName(f"An environment is one of {', '.join(EnvironmentSensitivity)}.") from None
