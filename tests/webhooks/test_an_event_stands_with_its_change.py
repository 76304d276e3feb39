"""An event is written in the transaction that makes it so: both stand or neither."""

from uuid import UUID

import pytest
from django.db import transaction

from isolation.api import CrossTenantError, tenant_transaction
from licensing import api
from licensing.errors import InvalidTerm
from licensing.models import OutboxEvent
from licensing.outbox import emit
from tests.licensing.conftest import NOON


def written(tenant_id: UUID) -> list[OutboxEvent]:
    with tenant_transaction(tenant_id):
        return list(OutboxEvent.objects.order_by("at", "id"))


def test_what_is_rolled_back_is_told_to_nobody(acme: UUID) -> None:
    with tenant_transaction(acme):
        emit(tenant_id=acme, kind="limit.reached", payload={"feature": "seats"}, at=NOON)
        transaction.set_rollback(True)
    assert written(acme) == []


def test_an_event_names_the_state_from_which_on_it_is_so(acme: UUID) -> None:
    with tenant_transaction(acme):
        api.put_role(tenant_id=acme, key="boss", privileges=["x.y"], by="test", at=NOON)
        emit(tenant_id=acme, kind="limit.reached", payload={"feature": "seats"}, at=NOON)
    (event,) = written(acme)
    assert event.snapshot == api.snapshot_version(tenant_id=acme)
    assert (event.kind, event.payload, event.handed_out_at) == ("limit.reached", {"feature": "seats"}, None)


def test_what_is_told_once_is_not_told_again(acme: UUID) -> None:
    found = []
    for once in ("seats:2026-11", "seats:2026-11", "seats:2026-12"):
        with tenant_transaction(acme):
            found.append(emit(tenant_id=acme, kind="limit.reached", payload={}, at=NOON, once=once))
    assert [one is None for one in found] == [False, True, False]
    assert [one.once for one in sorted(written(acme), key=lambda one: one.once)] == ["seats:2026-11", "seats:2026-12"]


def test_nothing_is_told_of_a_tenant_from_outside_its_transaction(acme: UUID) -> None:
    with pytest.raises(CrossTenantError):
        emit(tenant_id=acme, kind="limit.reached", payload={}, at=NOON)
    with tenant_transaction(api.VENDOR_TENANT_ID), pytest.raises(CrossTenantError):
        emit(tenant_id=acme, kind="limit.reached", payload={}, at=NOON)


def test_an_unknown_kind_or_what_cannot_be_stored_is_refused(acme: UUID) -> None:
    with tenant_transaction(acme):
        for kind, payload in (
            ("limit.exceeded", {}),
            ("limit.reached", {"a": "\x00"}),
            ("limit.reached", {"a": object()}),
        ):
            with pytest.raises(InvalidTerm):
                emit(tenant_id=acme, kind=kind, payload=payload, at=NOON)
    assert written(acme) == []
