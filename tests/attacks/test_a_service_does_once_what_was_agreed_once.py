"""Pitfall 15: what others agreed to for one transaction is used up by a service at every door, not only the far one."""

from typing import Any

from django.http import HttpRequest
from django.test import Client

from authlevels import api as authlevels
from decisions.drf import decide_for
from decisions.question import Entity
from isolation import clock
from tests.attacks.test_what_is_confirmed_is_for_one_environment import _declare, client, shores, world
from tests.decisions.asking import ask
from tests.decisions.conftest import World
from tests.decisions.test_a_service_asks_in_its_own_name import made
from tests.decisions.test_others_have_to_agree import agreed
from tiergate import Level, Requirement, Scope

__all__ = ["client", "shores", "world"]


def test_a_view_inside_is_entered_once_for_one_yes(client: Client, shores: World) -> None:
    _declare(Requirement(level=Level.AAL2, scope=Scope.TRANSACTION, approvals=1))
    key = made(shores, "pipeline", "deploy.release", "access.evaluate", "step_up.create")
    credential = authlevels.resolve_credential(key, at=clock.now())
    assert credential is not None
    request: Any = HttpRequest()
    request.principal = authlevels.ServicePrincipal(credential=credential)

    def entered() -> Any:
        return decide_for(
            request, "deploy.release", resource=Entity(type="repository", id="northwind/reports"), environment="eu"
        )

    body = {"decision_id": entered().public_id}
    approval = ask(client, key, body, path="/step-up/approvals", status=201)["approval_id"]
    agreed(client, shores, approval, "carol")
    assert [entered().decision.is_allowed for _ in range(2)] == [True, False]
