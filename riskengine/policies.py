"""What a tenant has the engine do: read once for each version of the tenant's state, changed by who may."""

import os
import threading
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

import audit.api
import licensing.api
from isolation.api import tenant_row, tenant_transaction
from riskengine.errors import RiskPolicyRefused
from riskengine.models import Policy
from riskengine.requirements import DEFAULT_TABLE, Mode, Table, stored_table, table_from_json, table_to_json

CAPACITY: Final = 10_000

_COLUMN: Final = "riskengine_policy_known(%s)"


class RiskPolicy(Struct, frozen=True, kw_only=True):
    """A tenant's word about risk. mode: whether it is acted on. table: what each band asks at each sensitivity."""

    mode: Mode = Mode.ENFORCE
    table: Table = DEFAULT_TABLE

    def as_json(self) -> dict[str, Any]:
        """Write it whole."""
        return {"mode": self.mode.value, "table": table_to_json(self.table)}


class _Row(Struct):
    mode: str
    table: Any = None


_decode: Final = msgspec.json.Decoder(_Row | None).decode


class _Memory:
    """The policies of tenants by the version of their state, which a change of a policy raises as any other does."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._held: dict[UUID, tuple[str, RiskPolicy]] = {}

    def find(self, tenant_id: UUID, version: str) -> RiskPolicy | None:
        found = self._held.get(tenant_id)
        return found[1] if found is not None and found[0] == version else None

    def keep(self, tenant_id: UUID, version: str, policy: RiskPolicy) -> None:
        with self._lock:
            if len(self._held) >= CAPACITY:
                self._held.clear()
            self._held[tenant_id] = (version, policy)

    def hear(self, kind: str, _key: str) -> None:
        if kind == licensing.api.RESET:
            # After a failover a version that was lost may come again with another policy.
            self.begin_anew()


_memory: Final = _Memory()
licensing.api.subscribe(_memory.hear)
os.register_at_fork(after_in_child=_memory.begin_anew)


def get_policy(*, tenant_id: UUID) -> RiskPolicy:
    """Read what a tenant has the engine do; the defaults, where it never said."""
    (told,) = tenant_row(tenant_id, _COLUMN, [tenant_id])
    row = None if told is None else _decode(told)
    if row is None:
        return RiskPolicy()
    # What no release of ours wrote is acted on.
    mode = Mode(row.mode) if row.mode in {*Mode} else Mode.ENFORCE
    return RiskPolicy(mode=mode, table=stored_table(row.table))


def policy_at(*, tenant_id: UUID, version: str) -> RiskPolicy:
    """Give the policy that goes with a version of a tenant's state, or a newer one.

    :raises django.db.DatabaseError: it cannot be read.
    """
    found = _memory.find(tenant_id, version)
    if found is None:
        found = get_policy(tenant_id=tenant_id)
        _memory.keep(tenant_id, version, found)
    return found


def forget_policies() -> None:
    """Read each anew at its next use."""
    _memory.begin_anew()


def put_policy(*, tenant_id: UUID, by: str, at: datetime, mode: str | None = None, table: object = None) -> RiskPolicy:
    """Change what is given of a tenant's policy, and return the whole of it.

    table: as `requirements.table_from_json` reads it; it takes the place of the one before, and an empty one is the default.
    :raises RiskPolicyRefused: no such mode, or a table with a mistake.
    """
    with tenant_transaction(tenant_id):
        Policy.objects.bulk_create([Policy(tenant_id=tenant_id, updated_at=at, updated_by=by)], ignore_conflicts=True)
        row = Policy.objects.select_for_update().get(tenant_id=tenant_id)
        old = RiskPolicy(mode=Mode(row.mode), table=stored_table(row.table))
        new = RiskPolicy(
            mode=old.mode if mode is None else _mode(mode), table=old.table if table is None else _table(table)
        )
        if new == old:
            return old
        row.mode, row.table, row.updated_at, row.updated_by = new.mode.value, table_to_json(new.table), at, by
        row.save(update_fields=["mode", "table", "updated_at", "updated_by"])
        audit.api.append(
            tenant_id=tenant_id,
            kind=audit.api.Kind.RISK_POLICY_CHANGED,
            at=at,
            payload={"old": old.as_json(), "new": new.as_json(), "by": by},
        )
    return new


def _mode(value: str) -> Mode:
    try:
        return Mode(value)
    except ValueError:
        raise RiskPolicyRefused(f"mode is one of {', '.join(Mode)}.") from None


def _table(value: object) -> Table:
    try:
        return table_from_json(value)
    except ValueError as error:
        raise RiskPolicyRefused(f"The table cannot be taken: {error}.") from error
