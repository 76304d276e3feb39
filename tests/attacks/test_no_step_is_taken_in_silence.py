"""Whoever speaks SQL as this server does takes no step that the trail does not tell, and has nobody answer by unsigned rules."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connections
from django.test import Client
from psycopg.types.json import Jsonb

from audit import api as audit
from decisions.policy import memory
from decisions.policy.activating import read_stage
from decisions.policy.history import list_activations
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.decisions.asking import ask, body
from tests.decisions.bundles import applied, stored
from tests.decisions.conftest import World, client, world
from tiergate.policy.signing import new_key, public_key

__all__ = ["client", "world"]

VENDOR = licensing.VENDOR_TENANT_ID
BECAUSE = "it is time"


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    memory.forget_bundles()
    yield
    memory.wait_for_bundles()


def _step(cursor: Any, number: int, active: str | None) -> None:
    cursor.execute(
        "INSERT INTO decisions_activation (number, step, active_id, mode, tenants, percent, because, by, at)"
        " VALUES (%s, 'activate', %s, 'none', '{}', 0, %s, 'account:olga', now())",
        [number, active, BECAUSE],
    )


def _entry(cursor: Any, kind: str, payload: Mapping[str, Any]) -> None:
    cursor.execute(
        "INSERT INTO audit_entry (id, tenant_id, kind, at, subject_type, subject_id, payload)"
        " VALUES (%s, %s, %s, now(), '', '', %s)",
        [uuid4(), VENDOR, kind, Jsonb(payload)],
    )


def _written(number: int, active: str | None, kind: str, payload: Mapping[str, Any]) -> None:
    with tenant_transaction(VENDOR):
        cursor = connections["default"].cursor()
        _step(cursor, number, active)
        _entry(cursor, kind, payload)


def test_no_step_stands_that_the_trail_does_not_tell(world: World) -> None:
    active = applied().active
    for taken in (None, active):
        with pytest.raises(IntegrityError, match="is not told in the trail"), tenant_transaction(VENDOR):
            _step(connections["default"].cursor(), 2, taken)
    assert (read_stage().active, len(list_activations())) == (active, 1)


LIES: Mapping[str, Mapping[str, Any]] = {
    "of another bundle": {"active": "a" * 64},
    "of another step": {"number": 1},
    "for another reason": {"because": "it was reviewed"},
    "of a candidate": {"candidate": "a" * 64},
    "for some": {"percent": 5},
    "of promises": {"gives_up": ["kept"]},
    "of what is not proved": {"waives": [{"promise": "kept"}]},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_no_step_stands_of_which_the_trail_tells_something_else(world: World, lie: Mapping[str, Any]) -> None:
    applied()
    told = {"number": 2, "active": None, "because": BECAUSE, "by": "account:olga"}
    for kind, payload in ((audit.Kind.BUNDLE_ACTIVATED, {**told, **lie}), (audit.Kind.BUNDLE_ROLLED_BACK, told)):
        with pytest.raises(IntegrityError, match="is not told in the trail"):
            _written(2, None, kind, payload)
    assert len(list_activations()) == 1
    _written(2, None, audit.Kind.BUNDLE_ACTIVATED, told)
    assert read_stage().active is None, "told as it is it stands"


def test_an_entry_of_before_tells_of_no_other_step(world: World) -> None:
    applied()
    with tenant_transaction(VENDOR):
        told = {"number": 2, "active": None, "because": BECAUSE}
        _entry(connections["default"].cursor(), audit.Kind.BUNDLE_ACTIVATED, told)
    with pytest.raises(IntegrityError), tenant_transaction(VENDOR):
        _step(connections["default"].cursor(), 2, None)


def test_a_step_that_is_told_but_of_a_bundle_that_nobody_signed_has_nobody_answer(
    world: World, client: Client, settings: Any
) -> None:
    handle, digest = world.asserted(), stored().digest
    settings.POLICY_PUBLISHERS = {"release": public_key(new_key())}
    told = {"number": 1, "active": digest, "because": BECAUSE}
    _written(1, digest, audit.Kind.BUNDLE_ACTIVATED, told)
    memory.forget_bundles()
    assert ask(client, world.acme_key, body(session=handle), status=503)["code"] == "facts_unavailable"
