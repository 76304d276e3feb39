"""In Django too, one confirmation is good for one transaction, whether or not the view minds it."""

from dataclasses import replace
from typing import Any, cast
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from authlevels import api as authlevels
from decisions import api as decisions
from isolation import clock
from tests.decisions.asking import ask, payment, step_up
from tests.decisions.conftest import World, code_at


class Forgetful(APIView):
    """Pays, and does not think of the confirmation."""

    required_action = "payments.approve"

    def get_resource(self, request: Request) -> decisions.Entity:  # noqa: ARG002 - the door passes it
        return decisions.Entity(type="payment", id="7", properties={"amount": 100, "payee": "ACME Ltd"})

    def post(self, request: Request) -> Response:  # noqa: ARG002 - as routed
        return Response({"paid": True})


class Careful(Forgetful):
    """Pays, and uses the confirmation up with the write."""

    consumes_elevation = True

    def post(self, request: Request) -> Response:
        with decisions.elevation_consumed(request):
            return Response({"paid": True})


class Broken(Careful):
    """Fails inside the write."""

    def post(self, request: Request) -> Response:
        with decisions.elevation_consumed(request):
            raise LookupError("the bank is closed")


@pytest.fixture
def confirmed(client: Client, world: World) -> authlevels.Session:
    """Alice has confirmed one payment."""
    credential = authlevels.resolve_credential(world.acme_key, at=clock.now())
    assert credential is not None
    session = authlevels.assert_session(
        tenant_id=world.acme,
        credential=credential,
        subject_type="user",
        subject_id="alice",
        amr=["pwd"],
        auth_time=clock.now(),
        idp="https://login.example",
        at=clock.now(),
    )
    refused = ask(client, world.acme_key, payment(100, session=session.handle))
    step_up(client, world.acme_key, refused, code_at(clock.now()))
    return session


def _paid(view: type[APIView], session: authlevels.Session, *, request_id: str = "") -> int:
    request = APIRequestFactory().post("/", {}, format="json", headers={"X-Request-ID": request_id})
    cast("Any", request).user = AnonymousUser()
    cast("Any", request).principal = authlevels.PersonPrincipal(replace(session))
    return view.as_view()(request).status_code


@pytest.mark.parametrize("view", [Forgetful, Careful])
def test_a_confirmed_payment_is_made_once(confirmed: authlevels.Session, view: type[APIView]) -> None:
    assert [_paid(view, confirmed) for _ in range(2)] == [200, 401]


@pytest.mark.parametrize("view", [Forgetful, Careful])
def test_the_persons_own_request_id_is_no_way_to_pay_again(confirmed: authlevels.Session, view: type[APIView]) -> None:
    name = uuid4().hex
    assert [_paid(view, confirmed, request_id=name) for _ in range(2)] == [200, 401]


def test_a_write_that_fails_gives_the_confirmation_back(confirmed: authlevels.Session) -> None:
    assert [_paid(Broken, confirmed), _paid(Careful, confirmed), _paid(Careful, confirmed)] == [500, 200, 401]
