"""The AuthZEN endpoints as plain Django views."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, RawPostDataException
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from decisions.drf import open_because
from decisions.remote_use import consume_bytes
from decisions.wire import MAX_BODY, Asked, Reply, echoed, evaluate_bytes, evaluations_bytes
from isolation.clock import now

type View = Callable[..., HttpResponse]

_BY_CREDENTIAL = "The calling service's credential is checked where the request is read, before anything else."


def _echoing(view: View) -> View:
    """Echo the request's id on whatever a view answers, a 405 included."""

    @wraps(view)
    def echoing(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = view(request, *args, **kwargs)
        for name, value in echoed(request.headers.get("X-Request-ID", "")).items():
            response[name] = value
        return response

    return echoing


@open_because(_BY_CREDENTIAL)
@csrf_exempt
@_echoing
@require_POST
def evaluation(request: HttpRequest, tenant: str | None = None) -> HttpResponse:
    """Answer one access evaluation (AuthZEN 1.0 section 6)."""
    return _respond(evaluate_bytes(_asked(request, tenant), at=now()))


@open_because(_BY_CREDENTIAL)
@csrf_exempt
@_echoing
@require_POST
def evaluations(request: HttpRequest, tenant: str | None = None) -> HttpResponse:
    """Answer a batch of access evaluations (AuthZEN 1.0 section 7)."""
    return _respond(evaluations_bytes(_asked(request, tenant), at=now()))


@open_because(_BY_CREDENTIAL)
@csrf_exempt
@_echoing
@require_POST
def consume(request: HttpRequest, elevation: str, tenant: str | None = None) -> HttpResponse:
    """Use up an elevation for what a remote product is about to do."""
    return _respond(consume_bytes(_asked(request, tenant), elevation, at=now()))


@open_because("A product must find out where to ask before it has a credential (AuthZEN 1.0 section 9).")
@_echoing
@require_GET
def configuration(request: HttpRequest, tenant: str | None = None) -> HttpResponse:  # noqa: ARG001 - Django passes it
    """Describe this decision point (AuthZEN 1.0 section 9.1); whether the tenant exists is not told."""
    base = settings.TIERGATE_BASE_URL + (f"/t/{tenant}" if tenant else "")
    document: dict[str, Any] = {
        "policy_decision_point": base,
        "access_evaluation_endpoint": f"{base}/access/v1/evaluation",
        "access_evaluations_endpoint": f"{base}/access/v1/evaluations",
    }
    return JsonResponse(document)


def _asked(request: HttpRequest, tenant: str | None) -> Asked:
    try:
        body = request.read(MAX_BODY + 1)
    except (OSError, RawPostDataException):
        body = b""
    return Asked(
        authorization=request.headers.get("Authorization", ""),
        content_type=request.headers.get("Content-Type", ""),
        request_id=request.headers.get("X-Request-ID", ""),
        body=body,
        tenant_ref=tenant,
    )


def _respond(reply: Reply) -> HttpResponse:
    status, headers, body = reply
    return HttpResponse(body, status=status, headers=headers)
