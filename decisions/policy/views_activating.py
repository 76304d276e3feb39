"""Putting rules in force over HTTP: each change confirmed by itself, and where it is set so agreed to by others."""

from typing import Any, Final

from msgspec import UNSET, UnsetType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from authlevels.api import ReviewedJSONParser
from decisions.consuming import elevation_consumed
from decisions.drf import Demands
from decisions.errors import BadRequest
from decisions.models import Step
from decisions.policy.agreeing import MayApply, demands_of
from decisions.policy.changes import ACTIVE, ROLLBACK, WITHDRAW, Change, confirmed_change, make_change, read_change
from decisions.policy.history import Activation, list_activations
from decisions.policy.serializers import ActivationAnswer, ActivationBody, ActivationsAnswer, RollbackBody
from decisions.policy.wire import CURSOR, NO_STORE, author, documented
from decisions.question import Entity
from isolation.clock import now
from tiergate import OWN_RESOURCE_TYPE, Action

_MODES: Final = {Step.ACTIVATE: ACTIVE, Step.WITHDRAW: WITHDRAW, Step.ROLL_BACK: ROLLBACK}
_PAGE: Final = 50
_MAX_DIGITS: Final = 18


class ActivationListView(APIView):
    """Every change of which rules are in force, and new ones."""

    required_action = {"GET": Action.BUNDLE_READ, "POST": Action.BUNDLE_APPLY}
    permission_classes = (MayApply,)
    parser_classes = (ReviewedJSONParser,)
    consumes_elevation = True

    def get_resource(self, request: Request) -> Entity:
        """Name the change, with all that a person is shown and confirms."""
        return _meant(request).as_resource() if request.method == "POST" else Entity(type=OWN_RESOURCE_TYPE, id="")

    def get_demands(self, request: Request) -> Demands:
        """Have others agree to a change, where that is set."""
        return demands_of(request) if request.method == "POST" else Demands()

    @documented("list_activations", ActivationsAnswer, parameters=[CURSOR])
    def get(self, request: Request) -> Response:
        """List what was put in force, tried and taken back, by whom and why, the newest first."""
        found = list_activations(before=_cursor(request), limit=_PAGE + 1)
        more = str(found[_PAGE - 1].number) if len(found) > _PAGE else None
        return Response({"items": [_told(one) for one in found[:_PAGE]], "next": more}, headers=NO_STORE)

    @documented("apply_bundle", ActivationAnswer, body=ActivationBody, statuses=(201,))
    def post(self, request: Request) -> Response:
        """Put a bundle in force, try it beside what is, or take a candidate away."""
        return _made(request, expected=ActivationBody.read(request).get("expected", UNSET))


class RollbackListView(APIView):
    """Going back."""

    required_action = Action.BUNDLE_APPLY
    permission_classes = (MayApply,)
    parser_classes = (ReviewedJSONParser,)
    consumes_elevation = True

    def get_resource(self, request: Request) -> Entity:
        """Name what would be in force again, which is what a person confirms."""
        return read_change(mode=ROLLBACK, because=RollbackBody.read(request)["because"]).as_resource()

    def get_demands(self, request: Request) -> Demands:
        """Have others agree to a change, where that is set."""
        return demands_of(request)

    @documented("roll_back_policy", ActivationAnswer, body=RollbackBody, statuses=(201,))
    def post(self, request: Request) -> Response:
        """Put in force again what was active before what is; a candidate is gone with that."""
        return _made(request, expected=RollbackBody.read(request).get("expected", UNSET))


def _meant(request: Request) -> Change:
    given = ActivationBody.read(request)
    return read_change(**{name: given[name] for name in ("mode", "digest", "tenants", "percent", "because")})


def _made(request: Request, *, expected: str | UnsetType | None) -> Response:
    """Do what was confirmed, and use the confirmation up with it."""
    answer = request._request.decision  # type: ignore[attr-defined]  # noqa: SLF001 - left by the door
    change, gives_up = confirmed_change(answer)
    done = make_change(
        change,
        gives_up=gives_up,
        expected=expected,
        by=author(request),
        at=now(),
        within=lambda: elevation_consumed(request),
    )
    return Response(_told(done), status=201)


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
        "gives_up": list(one.gives_up),
        "waives": list(one.waives),
    }
