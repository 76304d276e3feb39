"""Every model that holds tenants' rows, asked by the ORM in every way for another tenant's, gives and takes nothing."""

from collections.abc import Callable
from functools import cache
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, connection, models, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, Subquery, Value
from django.db.models.functions import Cast
from psycopg import sql

from isolation.api import GLOBAL_TABLES, tenant_transaction
from tests.isolation.schema import tenant_tables
from tests.isolation.sides import World

pytestmark = pytest.mark.django_db

type Model = type[models.Model]


def tenant_models() -> list[Model]:
    """List every model whose rows are tenants', whoever wrote it."""
    return [
        one
        for one in apps.get_models(include_auto_created=True)
        if one._meta.managed and not one._meta.proxy and one._meta.db_table not in GLOBAL_TABLES
    ]


MODELS = pytest.mark.parametrize("model", tenant_models(), ids=lambda one: one._meta.label)


def rows_of(superuser: psycopg.Connection, world: World) -> dict[str, list[str]]:
    """Give everything that Globex has, as the database's superuser sees it."""
    found: dict[str, list[str]] = {}
    for table, row in superuser.execute(_everything(superuser), {"tenant": world.globex.tenant_id}):
        found.setdefault(table, []).append(row)
    return found


@cache
def _everything(superuser: psycopg.Connection) -> sql.Composed:
    """Ask for every table in one question: it is asked after each attack."""
    each = sql.SQL("SELECT {name} AS name, t::text AS whole FROM {table} t WHERE tenant_id = %(tenant)s")
    tables = [each.format(name=sql.Literal(table), table=sql.Identifier(table)) for table in tenant_tables(superuser)]
    return sql.SQL("{} ORDER BY name, whole").format(sql.SQL(" UNION ALL ").join(tables))


def theirs(model: Model, world: World) -> models.Model:
    """Fetch a row of Globex's, by the role that sees all: what an attacker may have learnt of it."""
    found: models.Model | None = model._default_manager.using("sweep").filter(tenant_id=world.globex.tenant_id).first()
    assert found is not None, f"put something of {model._meta.label} into tests/isolation/world.py"
    return found


def test_the_walk_is_of_every_tenants_table(superuser: psycopg.Connection) -> None:
    assert {one._meta.db_table for one in tenant_models()} == set(tenant_tables(superuser))


# What an attacker asks of a row by its id, its tenant, or neither; each must find nothing of Globex.
LOOKS: dict[str, Callable[[Any, models.Model], Any]] = {
    "by id": lambda rows, row: rows.filter(pk=row.pk),
    "by tenant": lambda rows, row: rows.filter(tenant_id=row.tenant_id),  # type: ignore[attr-defined]
    "by id or anything": lambda rows, row: rows.filter(Q(pk=row.pk) | ~Q(pk=row.pk)).exclude(pk__isnull=True),
    "by what is not ours": lambda rows, row: rows.exclude(tenant_id=F("tenant_id")) | rows.filter(pk=row.pk),
    "locked": lambda rows, row: rows.select_for_update().filter(pk=row.pk),
    "locked and skipped": lambda rows, _row: rows.select_for_update(skip_locked=True),
    "by a subquery": lambda rows, row: rows.filter(
        pk__in=Subquery(rows.model._base_manager.filter(tenant_id=row.tenant_id).values("pk"))  # type: ignore[attr-defined]
    ),
    "by a correlated one": lambda rows, _row: rows.filter(
        Exists(rows.model._base_manager.exclude(tenant_id=OuterRef("tenant_id")))
    ),
    "by union": lambda rows, _row: rows.none().union(rows.model._base_manager.all(), all=True),
    "by raw": lambda rows, row: rows.raw(
        f"SELECT * FROM {rows.model._meta.db_table} WHERE {rows.model._meta.pk.column} = %s OR true",  # noqa: S608 - a model's own names
        [row.pk],
    ),
    "by annotation": lambda rows, row: rows.annotate(
        whose=Subquery(rows.model._base_manager.filter(pk=row.pk).values("tenant_id")[:1])
    ).filter(whose__isnull=False),
    "by text": lambda rows, row: rows.annotate(said=Cast("tenant_id", models.TextField())).filter(
        said=Value(str(row.tenant_id))  # type: ignore[attr-defined]
    ),
}


@MODELS
def test_no_query_finds_another_tenants_row(world: World, model: Model) -> None:
    row, refused = theirs(model, world), []
    for name, look in LOOKS.items():
        try:
            with tenant_transaction(world.acme.tenant_id):
                found = list(look(model._base_manager.all(), row))
        except DatabaseError:
            refused.append(name)
            continue
        assert {one.tenant_id for one in found} <= {world.acme.tenant_id}, name
        assert row.pk not in {one.pk for one in found}, name
    # Whoever may not change a row may not lock it.
    assert refused in ([], ["locked", "locked and skipped"])


@MODELS
def test_nothing_is_fetched_counted_or_read_again(world: World, model: Model) -> None:
    row, rows = theirs(model, world), model._base_manager
    with tenant_transaction(world.acme.tenant_id):
        with pytest.raises(ObjectDoesNotExist):
            rows.get(pk=row.pk)
        with pytest.raises(ObjectDoesNotExist):
            row.refresh_from_db(using="default")
        assert rows.in_bulk([row.pk]) == {}
        assert rows.aggregate(tenants=Count("tenant_id", distinct=True)) == {"tenants": 1}
        assert not rows.filter(tenant_id=world.globex.tenant_id).exists()
        assert list(rows.values_list("tenant_id", flat=True).distinct()) == [world.acme.tenant_id]


@MODELS
def test_no_join_reaches_another_tenants_row(world: World, model: Model) -> None:
    """Each foreign key to a tenant's table is followed both ways, as a join and as a filter."""
    with tenant_transaction(world.acme.tenant_id):
        for field in model._meta.get_fields(include_hidden=True):
            other = field.related_model
            is_tenants = isinstance(other, type) and other._meta.db_table not in GLOBAL_TABLES
            if not is_tenants or field.auto_created:
                continue
            row = theirs(other, world)  # type: ignore[arg-type]  # a class, as is_tenants says
            joined = model._base_manager.select_related(field.name)
            assert not joined.filter(**{f"{field.name}__pk": row.pk}).exists()
            assert not joined.filter(**{f"{field.name}__tenant_id": world.globex.tenant_id}).exists()


@MODELS
def test_nothing_of_another_tenant_is_changed_taken_or_deleted(
    world: World, superuser: psycopg.Connection, model: Model
) -> None:
    row, before, rows = theirs(model, world), rows_of(superuser, world), model._base_manager
    ours = {"tenant_id": world.acme.tenant_id}

    def each() -> list[Callable[[], Any]]:
        return [
            lambda: rows.filter(pk=row.pk).update(**ours),
            lambda: rows.filter(tenant_id=world.globex.tenant_id).update(tenant_id=F("tenant_id")),
            lambda: rows.filter(pk=row.pk).delete(),
            lambda: rows.filter(tenant_id=world.globex.tenant_id)._raw_delete("default"),
            lambda: rows.bulk_update([row], ["tenant_id"]),
            lambda: row.save(using="default", force_update=True),
            lambda: row.delete(using="default"),
        ]

    for attack in each():
        try:
            with tenant_transaction(world.acme.tenant_id):
                done = attack()
        except DatabaseError:
            done = 0
        counted = done[0] if isinstance(done, tuple) else done
        assert not counted, attack
        assert rows_of(superuser, world) == before


@MODELS
def test_nothing_is_written_into_another_tenant(world: World, superuser: psycopg.Connection, model: Model) -> None:
    row, before, rows = theirs(model, world), rows_of(superuser, world), model._base_manager

    def attempts() -> list[Callable[[], Any]]:
        own = {model._meta.pk.attname: row.pk}
        fields = [field.name for field in model._meta.concrete_fields if not field.primary_key and not field.generated]
        return [
            lambda: rows.bulk_create([_copy(row)]),
            lambda: rows.bulk_create([_copy(row, **own)], ignore_conflicts=True),
            lambda: rows.bulk_create(
                [_copy(row, **own)], update_conflicts=True, update_fields=fields, unique_fields=["pk"]
            ),
            lambda: rows.bulk_create(
                [_copy(row, **own, tenant_id=world.acme.tenant_id)],
                update_conflicts=True,
                update_fields=fields,
                unique_fields=["pk"],
            ),
            lambda: _copy(row).save(using="default", force_insert=True),
            lambda: rows.filter(tenant_id=world.acme.tenant_id).update(tenant_id=world.globex.tenant_id),
            lambda: rows.update_or_create(pk=row.pk, defaults={"tenant_id": world.globex.tenant_id}),
        ]

    for attack in attempts():
        with pytest.raises(DatabaseError), tenant_transaction(world.acme.tenant_id):
            attack()
        assert rows_of(superuser, world) == before


def _copy(row: models.Model, **changed: Any) -> models.Model:
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if not field.generated}
    key = type(row)._meta.pk.attname
    fresh = uuid4() if key == "id" else uuid4().int >> 66
    return type(row)(**{**values, key: fresh, **changed})


def test_no_key_of_ours_can_be_turned_to_another_tenants_row(world: World, superuser: psycopg.Connection) -> None:
    """Each foreign key between tenants' tables, at once and as late as the commit."""
    keys = superuser.execute(
        """
        SELECT DISTINCT s.relname, t.relname, a.attname FROM pg_constraint c
        JOIN pg_class s ON s.oid = c.conrelid JOIN pg_class t ON t.oid = c.confrelid
        JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
        WHERE c.contype = 'f' AND c.conparentid = 0 AND a.attname <> 'tenant_id'
          AND s.relname = ANY (%(tenants)s) AND t.relname = ANY (%(tenants)s)
        """,
        {"tenants": tenant_tables(superuser)},
    ).fetchall()
    assert len(keys) >= 6
    before = rows_of(superuser, world)
    for source, target, column in keys:
        found = superuser.execute(
            sql.SQL("SELECT id FROM {} WHERE tenant_id = %s").format(sql.Identifier(target)), [world.globex.tenant_id]
        ).fetchone()
        assert found is not None
        turn = sql.SQL("UPDATE {} SET {} = %s").format(sql.Identifier(source), sql.Identifier(column))
        for when in ("IMMEDIATE", "DEFERRED"):
            with pytest.raises(DatabaseError), tenant_transaction(world.acme.tenant_id):
                _run(f"SET CONSTRAINTS ALL {when}; " + turn.as_string(superuser), found[0])
    assert rows_of(superuser, world) == before


def _run(statement: str, *named: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, named)


def test_a_transaction_of_nobody_sees_no_model_at_all(world: World) -> None:
    for model in tenant_models():
        with pytest.raises(DatabaseError), transaction.atomic():
            list(model._base_manager.all()[:1])
