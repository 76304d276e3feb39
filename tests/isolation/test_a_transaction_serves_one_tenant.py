"""A transaction sees the rows of its tenant and of no other, and errs where it has none."""

from contextlib import suppress
from uuid import UUID, uuid4

import psycopg
import pytest
from django.db import DataError, IntegrityError, ProgrammingError, connection, connections, transaction

from isolation.api import CrossTenantError, current_tenant_id, tenant_transaction
from licensing.models import Member, Role

pytestmark = pytest.mark.django_db

type Tenants = tuple[UUID, UUID]


def test_a_query_without_a_tenant_is_an_error_not_an_empty_answer(tenants: Tenants) -> None:
    with pytest.raises((ProgrammingError, DataError)):
        list(Member.objects.all())


def test_a_query_after_a_tenants_transaction_is_an_error_too(tenants: Tenants) -> None:
    with tenant_transaction(tenants[0]):
        assert Member.objects.count() == 1
    with pytest.raises((ProgrammingError, DataError)):
        list(Member.objects.all())


def test_the_rest_of_a_transaction_around_a_tenants_sees_nothing_of_it(tenants: Tenants) -> None:
    with transaction.atomic():
        with tenant_transaction(tenants[0]):
            assert Member.objects.count() == 1
        with pytest.raises((ProgrammingError, DataError)), transaction.atomic():
            list(Member.objects.all())


def test_another_tenants_rows_are_not_seen_by_query_or_by_hand(tenants: Tenants) -> None:
    acme, globex = tenants
    with tenant_transaction(acme), connection.cursor() as cursor:
        assert list(Member.objects.values_list("tenant_id", flat=True)) == [acme]
        assert not Member.objects.filter(tenant_id=globex).exists()
        cursor.execute("SELECT count(*) FROM licensing_member WHERE tenant_id = %s OR true", [globex])
        assert cursor.fetchone() == (1,)


def test_another_tenants_rows_are_neither_changed_nor_deleted(tenants: Tenants) -> None:
    acme, globex = tenants
    with tenant_transaction(acme), connection.cursor() as cursor:
        cursor.execute("UPDATE licensing_member SET active = false WHERE tenant_id = %s", [globex])
        assert cursor.rowcount == 0
        cursor.execute("DELETE FROM licensing_member WHERE tenant_id = %s", [globex])
        assert cursor.rowcount == 0
    with tenant_transaction(globex):
        assert Member.objects.get().active


def test_a_row_of_another_tenant_is_not_written(tenants: Tenants) -> None:
    acme, globex = tenants
    with pytest.raises(ProgrammingError, match="row-level security"), tenant_transaction(acme):
        Role.objects.create(tenant_id=globex, key="spy", privileges=[])
    with pytest.raises(ProgrammingError, match="row-level security"), tenant_transaction(acme):
        Member.objects.update(tenant_id=globex)


def test_a_reference_to_another_tenants_row_is_refused(tenants: Tenants, superuser: psycopg.Connection) -> None:
    acme, globex = tenants
    with tenant_transaction(globex), connection.cursor() as cursor:
        plan, version, add_on, extra, theirs = (uuid4() for _ in range(5))
        for row, kind in ((plan, "plan"), (add_on, "add_on")):
            cursor.execute(
                "INSERT INTO licensing_plan (id, kind, key, title, rank) VALUES (%s, %s, 'x', '', 0)", [row, kind]
            )
        for row, parent, kind in ((version, plan, "plan"), (extra, add_on, "add_on")):
            cursor.execute(
                "INSERT INTO licensing_plan_version (id, plan_id, kind, number, status, content_hash, price_currency,"
                " price_interval) VALUES (%s, %s, %s, 1, 'draft', '', '', '')",
                [row, parent, kind],
            )
        cursor.execute(
            "INSERT INTO licensing_subscription (id, tenant_id, plan_version_id, status, active_from)"
            " VALUES (%s, %s, %s, 'active', now())",
            [theirs, globex, version],
        )
    with (
        pytest.raises(IntegrityError, match="same_tenant"),
        tenant_transaction(acme),
        connection.cursor() as cursor,
    ):
        cursor.execute(
            "INSERT INTO licensing_subscription_add_on (id, tenant_id, subscription_id, plan_version_id)"
            " VALUES (gen_random_uuid(), %s, %s, %s)",
            [acme, theirs, extra],
        )


def test_the_same_tenant_joins_and_another_is_refused(tenants: Tenants) -> None:
    acme, globex = tenants
    with tenant_transaction(acme):
        with tenant_transaction(acme):
            assert current_tenant_id() == acme
        assert Member.objects.count() == 1
        with pytest.raises(CrossTenantError), tenant_transaction(globex):
            pass
        assert current_tenant_id() == acme
    assert current_tenant_id() is None


def test_a_refused_inner_part_takes_back_its_own_writes_alone(tenants: Tenants) -> None:
    acme, _ = tenants
    with tenant_transaction(acme):
        Role.objects.create(tenant_id=acme, key="kept", privileges=[])
        with suppress(RuntimeError), tenant_transaction(acme):
            Role.objects.create(tenant_id=acme, key="lost", privileges=[])
            raise RuntimeError
    with tenant_transaction(acme):
        assert list(Role.objects.values_list("key", flat=True)) == ["kept"]


def test_after_a_failed_transaction_no_tenant_is_served(tenants: Tenants) -> None:
    with pytest.raises(RuntimeError), tenant_transaction(tenants[0]):
        raise RuntimeError
    assert current_tenant_id() is None
    with pytest.raises((ProgrammingError, DataError)):
        list(Member.objects.all())


def test_a_durable_transaction_is_never_nested(tenants: Tenants) -> None:
    with (
        tenant_transaction(tenants[0]),
        pytest.raises(RuntimeError, match="durable"),
        tenant_transaction(tenants[0], durable=True),
    ):
        pass


def test_the_setting_does_not_leak_to_another_connection(tenants: Tenants) -> None:
    with tenant_transaction(tenants[0]), connections["sweep"].cursor() as cursor:
        cursor.execute("SELECT coalesce(current_setting('app.tenant_id', true), '')")
        assert cursor.fetchone() == ("",)


def test_a_sweep_sees_all_tenants(tenants: Tenants) -> None:
    assert set(Member.objects.using("sweep").values_list("tenant_id", flat=True)) == set(tenants)


def test_no_role_that_serves_may_empty_a_tenants_table(tenants: Tenants) -> None:
    for alias in ("default", "sweep"):
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(using=alias),
            connections[alias].cursor() as cursor,
        ):
            cursor.execute("TRUNCATE licensing_member CASCADE")
