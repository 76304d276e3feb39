"""The door inside Django: a view says which action it is, and is entered only on an allow."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from msgspec import Struct
from msgspec.structs import replace
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from structlog.contextvars import bind_contextvars

from authlevels import api as authlevels
from decisions.evaluate import evaluate
from decisions.own import question_from
from decisions.problems import RefusedByDecision, of_tiergate_error, refusal, written
from decisions.question import Answer, Context, Entity
from decisions.suspending import mark_refused
from isolation.clock import now
from tiergate import OWN_RESOURCE_TYPE, Contribution, Forbid, TiergateError

if TYPE_CHECKING:
    # APIView reads the settings that name RequiredAction: importing it here would go in a circle.
    from rest_framework.views import APIView

type View = Callable[..., HttpResponseBase]


class Demands(Struct, frozen=True, kw_only=True):
    """What the thing acted on asks or refuses by itself, beside what everything else does."""

    contributions: tuple[Contribution, ...] = ()
    forbids: tuple[Forbid, ...] = ()


NO_DEMANDS: Final = Demands()


class RequiredAction(BasePermission):
    """Lets a request into a view when the decision on the view's action is an allow.

    The use of a proof for one transaction is claimed here, unless the view says ``consumes_elevation`` and uses it up
    with its write (`decisions.consuming.elevation_consumed`): a view that says nothing can be done once, not for as
    long as the proof lasts.

    The view states ``required_action`` (an action's name, or a map from method or viewset action), or
    ``open_because``. It may have ``get_resource(request, **kwargs) -> Entity``, ``get_demands(request, **kwargs) ->
    Demands``, what it asks or refuses by itself, and ``tenant_kwarg``, the path argument that names the tenant acted
    on. The answer is left on the request as ``decision``. The environment is the installation's (the setting
    TIERGATE_ENVIRONMENT) or the view's ``environment``: never the caller's word, which could talk its way down to a
    laxer one.

    :raises RefusedByDecision: 401, 402, 403, 429 or 503, as the decision says.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Decide; a view that says neither is closed."""
        if getattr(view, "open_because", ""):
            return True
        action = required_action_of(view, method=request.method or "", viewset_action=getattr(view, "action", None))
        if action is None:
            return False
        if not request.auth:
            # DRF answers 401 for nobody known; authentication alone says who asks.
            return False
        describe, demand = getattr(view, "get_resource", None), getattr(view, "get_demands", None)
        resource = describe(request, **view.kwargs) if describe else None
        answer = decide_for(
            request,
            action,
            resource=resource,
            tenant_ref=_tenant_ref(view),
            environment=getattr(view, "environment", None),
            is_claiming=getattr(view, "consumes_elevation", False) is not True,
            demands=demand(request, **view.kwargs) if demand else NO_DEMANDS,
        )
        if not answer.decision.is_allowed:
            mark_refused(request._request, answer)  # noqa: SLF001 - DRF has no other door
            raise RefusedByDecision(answer)
        request._request.decision = answer  # type: ignore[attr-defined]  # noqa: SLF001 - DRF has no other door
        return True


def decide_for(
    request: Request | HttpRequest,
    action: str,
    *,
    resource: Entity | None = None,
    tenant_ref: str | None = None,
    environment: str | None = None,
    is_claiming: bool = True,
    demands: Demands = NO_DEMANDS,
) -> Answer:
    """Decide whether the caller of ``request`` may do ``action``.

    is_claiming: an allow at transaction scope uses up its proof; False leaves that to the caller's own write. The
    request's id plays no part in it: it is the person's word here, and would let them do it again.
    demands: what the thing acted on asks or refuses by itself.

    :raises NoPrincipal: nobody known calls.
    """
    plain = request._request if isinstance(request, Request) else request  # noqa: SLF001 - DRF has no other door
    question = question_from(
        authlevels.caller(request),
        action,
        resource=resource or Entity(type=OWN_RESOURCE_TYPE, id=tenant_ref or ""),
        tenant_ref=tenant_ref,
        context=Context(environment=environment or settings.TIERGATE_ENVIRONMENT, told=authlevels.told_by(plain)),
        is_claiming=is_claiming,
        request_id=plain.headers.get("X-Request-ID", "")[:128],
    )
    if demands is not NO_DEMANDS:
        question = replace(question, contributions=demands.contributions, forbids=demands.forbids)
    answer = evaluate(question, at=now())
    bind_contextvars(decision_id=answer.public_id)
    return answer


def required_action_of(view: object, *, method: str, viewset_action: str | None = None) -> str | None:
    """Find the action that a view needs for a method; None when it does not say."""
    stated = getattr(view, "required_action", None)
    if isinstance(stated, Mapping):
        key = viewset_action if viewset_action in stated else method
        # A HEAD shows what a GET would.
        stated = stated.get("GET" if key == "HEAD" and "HEAD" not in stated else key)
    return str(stated) if stated else None


def open_because(reason: str) -> Callable[[View], View]:
    """Mark a plain view as open to all, with the reason; the system check reads it."""

    def mark(view: View) -> View:
        cast("Any", view).open_because = reason
        return view

    return mark


def requires(action: str) -> Callable[[View], View]:
    """Let a request into a plain view only when the decision on ``action`` is an allow."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
            try:
                answer = decide_for(request, action)
            except TiergateError as error:
                return written(*of_tiergate_error(error))
            if not answer.decision.is_allowed:
                mark_refused(request, answer)
                return written(*refusal(answer))
            return view(request, *args, **kwargs)

        cast("Any", guarded).required_action = str(action)
        cast("Any", guarded).is_guarded = True
        return guarded

    return guard


def _tenant_ref(view: "APIView") -> str | None:
    kwarg = getattr(view, "tenant_kwarg", None)
    return str(view.kwargs[kwarg]) if kwarg else None
