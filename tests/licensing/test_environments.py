"""What a tenant calls its environments, and who may call them otherwise."""

from uuid import UUID

import psycopg
import pytest
from django.test import Client

import audit.api
from isolation.api import tenant_transaction
from licensing import api
from licensing.environments import MAX_ENVIRONMENTS
from licensing.models import Environment
from tests.licensing.conftest import NOON, later
from tests.licensing.test_http import ALL, Caller
from tiergate import Verb


def told(acme: UUID) -> list[dict[str, object]]:
    with tenant_transaction(acme):
        found = audit.api.list_entries(tenant_id=acme, kinds=[audit.api.Kind.ENVIRONMENTS_CHANGED])
    return [dict(one.payload) for one in found]


def declare(acme: UUID, **environments: str) -> None:
    api.put_environments(tenant_id=acme, environments=environments, by="account:olga", at=NOON)


def test_a_declared_environment_is_in_the_next_snapshot(acme: UUID) -> None:
    before = api.get_snapshot(tenant_id=acme, at=NOON)
    assert before.environments == {}
    declare(acme, live="production")
    after = api.get_snapshot(tenant_id=acme, at=later(1), min_version=api.snapshot_version(tenant_id=acme))
    assert (dict(after.environments), after.version != before.version) == ({"live": "production"}, True)


def test_the_list_is_whole_and_the_same_list_again_is_no_change(acme: UUID) -> None:
    declare(acme, live="production", blue="staging")
    declare(acme, live="production", green="staging")
    version = api.snapshot_version(tenant_id=acme)
    declare(acme, green="staging", live="production")
    assert api.list_environments(tenant_id=acme) == {"green": "staging", "live": "production"}
    assert (api.snapshot_version(tenant_id=acme), len(told(acme))) == (version, 2)


@pytest.mark.parametrize(
    ("before", "after", "lowered"),
    [
        ({}, {"live": "production"}, []),
        ({}, {"blue": "staging"}, ["blue"]),
        ({}, {"production": "staging"}, ["production"]),
        ({"live": "production"}, {"live": "staging"}, ["live"]),
        ({"live": "staging"}, {"live": "production"}, []),
        ({"live": "production", "blue": "staging"}, {"live": "production"}, []),
        ({"staging": "production"}, {}, ["development", "staging"]),
    ],
)
def test_the_trail_names_what_is_less_sensitive_than_it_was(
    acme: UUID, before: dict[str, str], after: dict[str, str], lowered: list[str]
) -> None:
    """A name that nobody declares counts as production, so to declare it as less lowers it."""
    if before:
        declare(acme, **before)
    declare(acme, **after)
    newest = next(one for one in told(acme) if one["new"] == after)
    assert newest["lowered"] == lowered


@pytest.mark.parametrize(
    "environments",
    [
        {"Live": "production"},
        {"": "production"},
        {"live": "critical"},
        {f"e{number}": "staging" for number in range(MAX_ENVIRONMENTS + 1)},
    ],
    ids=["capitals", "empty", "unknown", "many"],
)
def test_what_cannot_be_declared_is_refused_and_changes_nothing(acme: UUID, environments: dict[str, str]) -> None:
    with pytest.raises(api.InvalidName):
        declare(acme, **environments)
    assert told(acme) == []


def test_the_database_itself_knows_no_fourth_sensitivity(acme: UUID, superuser: psycopg.Connection) -> None:
    declare(acme, live="production")
    with pytest.raises(psycopg.errors.CheckViolation):
        superuser.execute("UPDATE licensing_environment SET sensitivity = 'none'")
    assert Environment._meta.db_table == "licensing_environment"


def test_a_service_reads_and_writes_them_over_http(acme: UUID) -> None:
    caller = Caller(acme, [*ALL, Verb.ENVIRONMENTS_READ, Verb.ENVIRONMENTS_WRITE])
    items = [{"name": "blue", "sensitivity": "staging"}, {"name": "live", "sensitivity": "production"}]
    assert caller.get("/t/acme/environments") == (200, {"items": [], "next": None})
    assert caller.put("/t/acme/environments", items=items[::-1]) == (200, {"items": items, "next": None})
    assert caller.get("/t/acme/environments") == (200, {"items": items, "next": None})
    status, problem = caller.put("/t/acme/environments", items=[items[0], items[0]])
    assert (status, problem["code"]) == (400, "invalid_name")


def test_nobody_known_changes_nothing(acme: UUID) -> None:
    response = Client().put("/t/acme/environments", {"items": []}, content_type="application/json")
    assert response.status_code == 401
