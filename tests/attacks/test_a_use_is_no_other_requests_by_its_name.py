"""Pitfall 3: what the trail calls a use by is no name by which another request has the same use."""

from typing import Any

import pytest
from django.test import Client

from audit import api as audit
from isolation import clock
from isolation.api import tenant_transaction
from tests.decisions.asking import ask, payment, step_up
from tests.decisions.conftest import World, client, code_at, world

__all__ = ["client", "world"]


@pytest.mark.parametrize("how", ["evaluation", "consume", "token"])
def test_whoever_reads_of_a_use_does_not_have_it_again(client: Client, world: World, how: str) -> None:
    paying = payment(1200, session=world.asserted())
    refused = ask(client, world.acme_key, paying)
    elevation = step_up(client, world.acme_key, refused, code_at(clock.now()))["elevation_id"]
    use: dict[str, tuple[str, Any]] = {
        "evaluation": ("/access/v1/evaluation", paying),
        "consume": (f"/access/v1/elevations/{elevation}/consume", {one: paying[one] for one in ("action", "resource")}),
        "token": (f"/step-up/elevations/{elevation}/token", {"scope": "payments", "audience": "pay"}),
    }
    path, document = use[how]
    ask(client, world.acme_key, document, path=path)
    with tenant_transaction(world.acme):
        (told,) = audit.list_entries(tenant_id=world.acme, kinds=[audit.Kind.ELEVATION_USED])
    again = ask(client, world.acme_key, paying, headers={"X-Request-ID": told.payload["used_by"]})
    assert again["decision"] is False
