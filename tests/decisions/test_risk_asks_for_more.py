"""What looks like somebody else is asked for more, by the tenant's table; what looks as always is not."""

from typing import Any

import pytest
from django.test import Client

from isolation import clock
from riskengine import api as risk
from tests.decisions.asking import ask, body
from tests.decisions.conftest import World
from tests.decisions.looking import FAR, HOME, at_home, far_is


def _asked(client: Client, world: World, session: str, looks: dict[str, Any], **context: Any) -> dict[str, Any]:
    """Ask to read a report, and give what is asked for it; nothing where it is allowed."""
    answer = ask(client, world.acme_key, body(session=session, **looks, **context))
    needs = answer["context"].get("needs", [])
    return {} if answer["decision"] else needs[0]


def _tell(world: World, **policy: Any) -> None:
    risk.put_policy(tenant_id=world.acme, by="test", at=clock.now(), **policy)


@pytest.fixture
def session(world: World) -> str:
    at_home(world)
    far_is(world, "high")
    return world.asserted()


def test_on_the_usual_device_nothing_is_asked_and_from_elsewhere_a_second_factor(
    client: Client, world: World, session: str
) -> None:
    assert _asked(client, world, session, HOME) == {}
    asked = _asked(client, world, session, FAR)
    assert (asked["kind"], asked["level"], asked["max_age"]) == ("step_up", "aal2", 900)
