"""Every error that a program meets: RFC 9457 problem details with a stable ``code``."""

import math
from http import HTTPStatus
from typing import Any

import structlog
from django.conf import settings
from django.core.exceptions import BadRequest as DjangoBadRequest
from django.core.exceptions import PermissionDenied as DjangoPermissionDenied
from django.core.exceptions import SuspiciousOperation
from django.db import DatabaseError
from django.http import Http404, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from msgspec import json as msgjson
from rest_framework import exceptions
from rest_framework.response import Response

from decisions.answers import approval_members, challenge_members, need_json, proof_need, status_of
from decisions.offering import offer_members
from decisions.question import Answer
from decisions.sentences import for_person
from tiergate import ErrorKind, NeedKind, TiergateError, acr_values

log = structlog.get_logger(__name__)

PROBLEM_TYPE = "application/problem+json"

STATUS_BY_KIND = {
    ErrorKind.INVALID: 400,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.PAYMENT_REQUIRED: 402,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.CONFLICT: 409,
    ErrorKind.UNPROCESSABLE: 422,
    ErrorKind.THROTTLED: 429,
    ErrorKind.UNAVAILABLE: 503,
}


class RefusedByDecision(exceptions.APIException):
    """A decision that is not an allow, on its way to becoming a response."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(for_person(answer.decision))
        self.answer = answer
        self.status_code = status_of(answer)


def problem(status: int, *, code: str, detail: str, **extra: object) -> dict[str, Any]:
    """Write a problem's body."""
    return {
        "type": f"{settings.TIERGATE_BASE_URL}/problems/{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
        **extra,
    }


def problem_response(
    status: int, *, code: str, detail: str, headers: dict[str, str] | None = None, **extra: object
) -> HttpResponse:
    """Answer with a problem from a plain Django view."""
    return written(status, headers or {}, problem(status, code=code, detail=detail, **extra))


def written(status: int, headers: dict[str, str], body: dict[str, Any]) -> HttpResponse:
    """Write a problem as a plain Django response."""
    return HttpResponse(msgjson.encode(body), status=status, content_type=PROBLEM_TYPE, headers=headers)


def refusal(answer: Answer) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Write a refusal as status, headers and problem body: 401, 402, 403, 429 or 503."""
    decision = answer.decision
    status = status_of(answer)
    extra: dict[str, Any] = {
        "decision_id": answer.public_id,
        "outcome": decision.outcome.value,
        "needs": [need_json(need) for need in decision.needs],
        **challenge_members(answer),
        **approval_members(answer),
    }
    headers: dict[str, str] = {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = _challenge_header(answer)
    extra |= offer_members(answer)
    wait = next((one.until for one in decision.needs if one.kind == NeedKind.WAIT and one.until), None)
    if status == HTTPStatus.TOO_MANY_REQUESTS and wait is not None:
        headers["Retry-After"] = str(max(1, math.ceil((wait - decision.as_of).total_seconds())))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = "1"
    body = problem(status, code=decision.reason.value, detail=for_person(decision), **extra)
    return status, headers, body


def _challenge_header(answer: Answer) -> str:
    """Write the WWW-Authenticate header: RFC 9470 section 3 for a step-up, RFC 6750 when the session is no good."""
    need = proof_need(answer)
    if need is None or need.requirement is None:
        return f'Bearer error="invalid_token", error_description="{for_person(answer.decision)}"'
    parts = [
        'error="insufficient_user_authentication"',
        f'error_description="{for_person(answer.decision)}"',
        f'acr_values="{acr_values(need.requirement.level)}"',
    ]
    if need.requirement.max_age is not None:
        parts.append(f'max_age="{need.requirement.max_age}"')
    return "Bearer " + ", ".join(parts)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:  # noqa: ARG001 - DRF passes it
    """Turn whatever a DRF view raises into a problem; nothing of an unexpected error is told."""
    status, headers, body = _translated(error)
    return Response(body, status=status, headers=headers, content_type=PROBLEM_TYPE)


def _translated(error: Exception) -> tuple[int, dict[str, str], dict[str, Any]]:
    match error:
        case RefusedByDecision():
            out = refusal(error.answer)
        case TiergateError():
            out = of_tiergate_error(error)
        case exceptions.APIException():
            out = _of_api_exception(error)
        case Http404():
            out = 404, {}, problem(404, code="not_found", detail="There is nothing here.")
        case SuspiciousOperation() | DjangoBadRequest() | MultiPartParserError() | UnreadablePostError():
            # A body that is too large, in too many parts, malformed, or broken off.
            out = 400, {}, problem(400, code="bad_request", detail="The request cannot be read.")
        case DjangoPermissionDenied():
            out = 403, {}, problem(403, code="permission_denied", detail="This is not allowed.")
        case DatabaseError():
            log.warning("database_unavailable", error=type(error).__name__, exc_info=error)
            detail = "This cannot be answered just now; try again."
            out = 503, {"Retry-After": "1"}, problem(503, code="unavailable", detail=detail)
        case _:
            log.error("unexpected_error", exc_info=error)
            detail = "Something went wrong on our side; it is logged."
            out = 500, {}, problem(500, code="internal_error", detail=detail)
    return out


def of_tiergate_error(error: TiergateError) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Write an error of any room's door as status, headers and problem body."""
    status = STATUS_BY_KIND[error.kind]
    headers: dict[str, str] = {}
    if error.kind in {ErrorKind.THROTTLED, ErrorKind.UNAVAILABLE}:
        headers["Retry-After"] = _retry_after(error.extra.get("retry_after", 1))
    if error.kind == ErrorKind.UNAUTHENTICATED:
        headers["WWW-Authenticate"] = "Bearer"
    return status, headers, problem(status, code=error.code, detail=error.detail, **error.extra)


def _retry_after(value: object) -> str:
    seconds = math.ceil(value) if isinstance(value, int | float) else 1
    return str(max(1, seconds))


def _of_api_exception(error: exceptions.APIException) -> tuple[int, dict[str, str], dict[str, Any]]:
    status = error.status_code
    headers: dict[str, str] = {}
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        status = 401
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, exceptions.Throttled):
        headers["Retry-After"] = str(math.ceil(getattr(error, "wait", None) or 1))
    if isinstance(error, exceptions.ValidationError):
        detail = "The request's body or parameters are not right."
        return status, headers, problem(status, code="invalid", detail=detail, errors=error.detail)
    code = error.get_codes()
    return status, headers, problem(status, code=code if isinstance(code, str) else "error", detail=str(error.detail))
