"""Pitfalls 1 and 3: a product far away uses a confirmation up with its write; what has changed meanwhile counts."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from audit import api as audit
from authlevels import api as authlevels
from authlevels.untold_ends import tell_ends
from isolation import clock
from isolation.api import tenant_transaction
from licensing import api as licensing
from tests.attacks.parallel import at_once
from tests.decisions.asking import ask, body, export, payment, step_up
from tests.decisions.conftest import World, client, code_at, world

__all__ = ["client", "world"]


def _confirmed(client: Client, key: str, document: Any, *, late: float = 0) -> str:
    """Step up for a request and give the elevation that is left.

    late: seconds by which the person's phone is ahead, for a code that was not shown yet.
    """
    refused = ask(client, key, document)
    assert refused["context"]["outcome"] == "step_up"
    elevation: str = step_up(client, key, refused, code_at(clock.now() + timedelta(seconds=late)))["elevation_id"]
    return elevation


def _use(client: Client, key: str, elevation: str, document: Any, *, request_id: str = "", **more: Any) -> Any:
    headers = {"X-Request-ID": request_id} if request_id else {}
    path = f"{more.pop('prefix', '')}/access/v1/elevations/{elevation}/consume"
    return ask(client, key, document, path=path, headers=headers, **more)


def _of(document: dict[str, Any]) -> dict[str, Any]:
    """Say what is to be done, and leave to the elevation who does it."""
    return {"action": document["action"], "resource": document["resource"]}


def _refusals(tenant_id: Any) -> list[str]:
    with tenant_transaction(tenant_id):
        entries = audit.list_entries(tenant_id=tenant_id, kinds=[audit.Kind.ELEVATION_REFUSED])
    return [entry.payload["why"] for entry in entries]


def test_a_confirmed_payment_is_made_once_and_its_retry_is_the_same_one(client: Client, world: World) -> None:
    paying = payment(1200, session=world.asserted())
    elevation = _confirmed(client, world.acme_key, paying)
    for _ in range(2):
        used = _use(client, world.acme_key, elevation, _of(paying), request_id="pay-1")
        assert (used["decision"], used["context"]["elevation_id"]) == (True, elevation)
    again = _use(client, world.acme_key, elevation, _of(paying), request_id="pay-2", status=409)
    assert again["code"] == "elevation_gone"
    _use(client, world.acme_key, elevation, _of(paying), status=409)
    assert _refusals(world.acme) == ["used", "used"]
    assert ask(client, world.acme_key, paying)["context"]["outcome"] == "step_up"


def test_an_evaluation_that_was_the_use_is_not_used_again_by_another_request(client: Client, world: World) -> None:
    paying = payment(1200, session=world.asserted())
    elevation = _confirmed(client, world.acme_key, paying)
    assert ask(client, world.acme_key, paying, headers={"X-Request-ID": "pay-1"})["decision"] is True
    assert _use(client, world.acme_key, elevation, _of(paying), request_id="pay-1")["decision"] is True
    _use(client, world.acme_key, elevation, _of(paying), request_id="pay-2", status=409)


def test_what_was_confirmed_for_1200_is_refused_for_12000_and_stays_unused(client: Client, world: World) -> None:
    paying = payment(1200, session=world.asserted())
    elevation = _confirmed(client, world.acme_key, paying)
    dearer = _use(client, world.acme_key, elevation, _of(payment(12000)), request_id="pay-1")
    assert (dearer["decision"], dearer["context"]["outcome"]) == (False, "step_up")
    assert _use(client, world.acme_key, elevation, _of(payment(1200, "Mallory")))["decision"] is False
    assert _use(client, world.acme_key, elevation, _of(paying), request_id="pay-1")["decision"] is True


def test_one_confirmation_is_not_used_up_for_what_another_confirmed(client: Client, world: World) -> None:
    handle = world.asserted()
    small, dear = payment(1200, session=handle), payment(12000, session=handle)
    first = _confirmed(client, world.acme_key, small)
    second = _confirmed(client, world.acme_key, dear, late=30)
    assert _use(client, world.acme_key, first, _of(dear))["decision"] is False
    assert _use(client, world.acme_key, second, _of(dear))["decision"] is True
    assert _use(client, world.acme_key, first, _of(small))["decision"] is True


def test_a_confirmation_is_not_used_up_for_what_needs_none(client: Client, world: World) -> None:
    handle = world.asserted()
    elevation = _confirmed(client, world.acme_key, payment(1200, session=handle))
    read = body("reports.read", session=handle)
    assert ask(client, world.acme_key, read)["decision"] is True
    elsewhere = _use(client, world.acme_key, elevation, _of(read), status=409)
    assert elsewhere["code"] == "elevation_elsewhere"
    assert _refusals(world.acme) == ["elsewhere"]
    assert _use(client, world.acme_key, elevation, _of(payment(1200)))["decision"] is True


def test_a_confirmation_for_an_action_can_be_used_up_too(client: Client, world: World) -> None:
    exporting = export(session=world.asserted(tenant=world.globex))
    elevation = _confirmed(client, world.globex_key, exporting)
    assert ask(client, world.globex_key, exporting)["decision"] is True
    assert _use(client, world.globex_key, elevation, _of(exporting), prefix="/t/globex")["decision"] is True
    assert ask(client, world.globex_key, exporting)["context"]["outcome"] == "step_up"


def test_a_tier_that_was_lost_meanwhile_is_seen_at_the_use(client: Client, world: World) -> None:
    exporting = export(session=world.asserted(tenant=world.globex))
    elevation = _confirmed(client, world.globex_key, exporting)
    licensing.put_subscription(tenant_id=world.globex, plan="starter", by="test", at=clock.now())
    refused = _use(client, world.globex_key, elevation, _of(exporting), request_id="r1")
    assert (refused["decision"], refused["context"]["outcome"]) == (False, "upgrade")
    licensing.put_subscription(tenant_id=world.globex, plan="regulated", by="test", at=clock.now())
    assert _use(client, world.globex_key, elevation, _of(exporting), request_id="r2")["decision"] is True


def test_a_member_who_is_gone_uses_nothing(client: Client, world: World) -> None:
    paying = payment(1200, session=world.asserted())
    elevation = _confirmed(client, world.acme_key, paying)
    licensing.put_member(
        tenant_id=world.acme,
        subject_type="user",
        subject_id="alice",
        roles=["member"],
        active=False,
        by="test",
        at=clock.now(),
    )
    assert _use(client, world.acme_key, elevation, _of(paying), status=409)["code"] == "elevation_gone"
    assert [tell_ends(at=clock.now()) for _again in range(2)] == [1, 0]
    with tenant_transaction(world.acme):
        (ended,) = audit.list_entries(tenant_id=world.acme, kinds=[audit.Kind.ELEVATION_ENDED])
    assert (ended.payload["elevation"], ended.payload["why"]) == (elevation, "membership_ended")
    assert ended.subject == ("user", "alice")


def test_an_ended_session_uses_nothing(client: Client, world: World) -> None:
    handle = world.asserted()
    paying = payment(1200, session=handle)
    elevation = _confirmed(client, world.acme_key, paying)
    session_id = authlevels.parse_session_handle(handle)
    assert session_id
    authlevels.end_session(tenant_id=world.acme, session_id=session_id, by="test", at=clock.now())
    gone = _use(client, world.acme_key, elevation, _of(paying), status=409)
    assert gone["code"] == "elevation_gone"
    assert _refusals(world.acme) == ["ended"]


def test_neither_another_session_nor_another_person_is_slipped_in(client: Client, world: World) -> None:
    handle, other = world.asserted(), world.asserted()
    paying = payment(1200, session=handle)
    elevation = _confirmed(client, world.acme_key, paying)
    for wrong in (
        payment(1200, session=other),
        paying | {"subject": {"type": "user", "id": "bob"}},
        payment(1200, session=handle, tenant="globex"),
    ):
        assert _use(client, world.acme_key, elevation, wrong, status=404)["code"] == "elevation_not_found"
    _use(client, world.acme_key, elevation, paying, prefix="/t/globex", status=404)
    _use(client, world.globex_key, elevation, paying, status=404)
    assert _use(client, world.acme_key, elevation, paying)["decision"] is True


@pytest.mark.parametrize("elevation", ["elv_", "elv_" + "0" * 64, "one", "ses_" + "0" * 32])
def test_there_is_nothing_to_use_under_a_made_up_name(client: Client, world: World, elevation: str) -> None:
    _use(client, world.acme_key, elevation, _of(payment(1)), status=404)


def test_a_menu_uses_nothing_up_and_a_body_says_what_is_done(client: Client, world: World) -> None:
    paying = payment(1200, session=world.asserted())
    elevation = _confirmed(client, world.acme_key, paying)
    _use(client, world.acme_key, elevation, _of(paying) | {"context": {"purpose": "display"}}, status=400)
    for wrong in ({}, {"action": {"name": "payments.approve"}}, {"action": "x", "resource": "y"}):
        _use(client, world.acme_key, elevation, wrong, status=400)
    assert _use(client, world.acme_key, elevation, _of(paying))["decision"] is True


@pytest.mark.storm
def test_of_eight_uses_at_once_exactly_one_goes_ahead(client: Client, world: World) -> None:
    paying = payment(1200, session=world.asserted())
    elevation = _confirmed(client, world.acme_key, paying)
    headers = {"Authorization": f"Bearer {world.acme_key}"}

    def use(number: int) -> int:
        answer = Client().post(
            f"/access/v1/elevations/{elevation}/consume",
            _of(paying),
            content_type="application/json",
            headers=headers | {"X-Request-ID": f"pay-{number}"},
        )
        return answer.status_code

    assert sorted(at_once(use), key=str) == [200] + [409] * 7
