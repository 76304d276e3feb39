"""Putting rules in force over HTTP: each change confirmed by itself, and where it is set so agreed to by others."""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from msgspec import UNSET
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from authlevels.api import ReviewedJSONParser
from decisions.consuming import elevation_consumed
from decisions.drf import Demands
from decisions.errors import BadRequest
from decisions.models import Step
from decisions.policy.activating import activate, find_rollback, read_stage, rollback, withdraw
from decisions.policy.agreeing import MayApply, demands_of
from decisions.policy.errors import NothingToUndo
from decisions.policy.history import Activation, list_activations
from decisions.policy.serializers import (
    ACTIVE,
    WITHDRAW,
    ActivationAnswer,
    ActivationBody,
    ActivationsAnswer,
    RollbackBody,
)
from decisions.policy.stage import ALL, Mode
from decisions.policy.wire import NO_STORE, author, documented
from decisions.question import Entity
from isolation.clock import now
from licensing import api as licensing
from tiergate import OWN_RESOURCE_TYPE, Action

ROLLBACK: Final = "rollback"
_MODES: Final = {Step.ACTIVATE: ACTIVE, Step.WITHDRAW: WITHDRAW, Step.ROLL_BACK: ROLLBACK}
_PAGE: Final = 50
_MAX_DIGITS: Final = 18
_CURSOR: Final = OpenApiParameter("cursor", OpenApiTypes.STR, description="The `next` of the page before.")


class ActivationListView(APIView):
    """Every change of which rules are in force, and new ones."""

    required_action = {"GET": Action.BUNDLE_READ, "POST": Action.BUNDLE_APPLY}
    permission_classes = (MayApply,)
    parser_classes = (ReviewedJSONParser,)
    consumes_elevation = True

    def get_resource(self, request: Request) -> Entity:
        """Name the change, with all that a person is shown and confirms."""
        return _meant(ActivationBody.read(request)) if request.method == "POST" else _change()

    def get_demands(self, request: Request) -> Demands:
        """Have others agree to a change, where that is set."""
        return demands_of(request) if request.method == "POST" else Demands()

    @documented("list_activations", ActivationsAnswer, parameters=[_CURSOR])
    def get(self, request: Request) -> Response:
        """List what was put in force, tried and taken back, by whom and why, the newest first."""
        found = list_activations(before=_cursor(request), limit=_PAGE + 1)
        more = str(found[_PAGE - 1].number) if len(found) > _PAGE else None
        return Response({"items": [_told(one) for one in found[:_PAGE]], "next": more}, headers=NO_STORE)

    @documented("apply_bundle", ActivationAnswer, body=ActivationBody, statuses=(201,))
    def post(self, request: Request) -> Response:
        """Put a bundle in force, try it beside what is, or take a candidate away."""
        given = ActivationBody.read(request)
        confirmed = _confirmed(request)
        shared: dict[str, Any] = {
            "expected": given.get("expected", UNSET),
            "because": given["because"],
            "by": author(request),
            "at": now(),
            "within": lambda: elevation_consumed(request),
        }
        if given["mode"] == WITHDRAW:
            done = withdraw(digest=confirmed["digest"], **shared)
        else:
            done = activate(
                digest=given["digest"],
                mode=Mode.NONE if given["mode"] == ACTIVE else Mode(given["mode"]),
                tenants=[licensing.get_tenant(one).id for one in given["tenants"]],
                percent=confirmed["percent"],
                **shared,
            )
        return Response(_told(done), status=201)


class RollbackListView(APIView):
    """Going back."""

    required_action = Action.BUNDLE_APPLY
    permission_classes = (MayApply,)
    parser_classes = (ReviewedJSONParser,)
    consumes_elevation = True

    def get_resource(self, request: Request) -> Entity:
        """Name what would be in force again, which is what a person confirms."""
        given = RollbackBody.read(request)
        try:
            digest = find_rollback()
        except NothingToUndo:
            # Said to who may go back alone, by going back.
            digest = None
        return _change(mode=ROLLBACK, digest=digest, because=given["because"])

    def get_demands(self, request: Request) -> Demands:
        """Have others agree to a change, where that is set."""
        return demands_of(request)

    @documented("roll_back_policy", ActivationAnswer, body=RollbackBody, statuses=(201,))
    def post(self, request: Request) -> Response:
        """Put in force again what was active before what is; a candidate is gone with that."""
        given = RollbackBody.read(request)
        done = rollback(
            digest=_confirmed(request)["digest"],
            expected=given.get("expected", UNSET),
            because=given["because"],
            by=author(request),
            at=now(),
            within=lambda: elevation_consumed(request),
        )
        return Response(_told(done), status=201)


def _meant(given: dict[str, Any]) -> Entity:
    percent = given["percent"]
    if percent is None:
        # Whoever names nobody looks what it would do to all.
        percent = ALL if given["mode"] == Mode.SHADOW and not given["tenants"] else 0
    digest = given["digest"]
    if given["mode"] == WITHDRAW and digest is None:
        digest = read_stage().candidate
    return _change(
        mode=given["mode"], digest=digest, tenants=given["tenants"], percent=percent, because=given["because"]
    )


def _change(
    *, mode: str = "", digest: str | None = None, tenants: tuple[str, ...] = (), percent: int = 0, because: str = ""
) -> Entity:
    properties = {"mode": mode, "digest": digest, "tenants": list(tenants), "percent": percent, "because": because}
    return Entity(type=OWN_RESOURCE_TYPE, id=digest or "", properties=properties)


def _confirmed(request: Request) -> dict[str, Any]:
    """Give what the decision was about, which is what was confirmed: what is done is that and nothing else."""
    answer = request._request.decision  # type: ignore[attr-defined]  # noqa: SLF001 - left by the door
    found: dict[str, Any] = answer.question.resource.properties
    return found


def _cursor(request: Request) -> int | None:
    text = request.query_params.get("cursor", "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS):
        raise BadRequest("The cursor is the `next` of the page before.")
    return int(text)


def _told(one: Activation) -> dict[str, Any]:
    mode = one.mode.value if one.step == Step.STAGE else _MODES[one.step]
    return {
        "number": one.number,
        "sentence": one.sentence,
        "digest": one.digest,
        "mode": mode,
        "at": one.at,
        "by": one.by,
        "because": one.because,
    }
