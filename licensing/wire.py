"""What all views of this room share: who calls, which page, and how the API's document tells of it."""

from collections.abc import Callable, Container, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer

from licensing import names
from licensing.errors import InvalidName, InvalidRange
from licensing.roles import WithinVerbs

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 500

PAGE_PARAMETERS: Final = [
    OpenApiParameter("after", str, description="The `next` of the page before."),
    OpenApiParameter("limit", OpenApiTypes.INT, description=f"1 to {MAX_LIMIT}; {DEFAULT_LIMIT} if left out."),
]
AT_PARAMETER: Final = OpenApiParameter("at", OpenApiTypes.DATETIME, description="Now if left out; with a time zone.")


def documented(
    operation_id: str,
    answer: type[Serializer[Any]] | None,
    *,
    body: type[Serializer[Any]] | None = None,
    statuses: Sequence[int] = (200,),
    parameters: Sequence[OpenApiParameter] = (),
) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Tell the API's document of an operation; `decisions.openapi` adds the refusals to each."""
    responses: dict[Any, Any] = dict.fromkeys(statuses, answer or OpenApiResponse(description="Done."))
    return extend_schema(
        operation_id=operation_id, request=body, responses=responses, parameters=list(parameters), tags=["licensing"]
    )


def author(request: Request) -> str:
    """Name who calls, as the decision that let them in has it; a view that nobody decided on has no author."""
    asked_by: str = request._request.decision.question.asked_by  # type: ignore[attr-defined]  # noqa: SLF001
    return asked_by


def decision_of(request: Request) -> UUID:
    """Give the id of the decision that let the caller in."""
    found: UUID = request._request.decision.decision_id  # type: ignore[attr-defined]  # noqa: SLF001 - as above
    return found


def held_by_author(request: Request) -> Container[str]:
    """Give what the caller may grant: a person what their roles do; a service nothing reserved beyond its verbs."""
    answer = request._request.decision  # type: ignore[attr-defined]  # noqa: SLF001 - left by the door
    held: frozenset[str] | None = answer.privileges
    return WithinVerbs(answer.question.service.verbs) if held is None else held


def member_of(request: Request, *, tenant_id: UUID) -> tuple[str, str] | None:
    """Name the member of a tenant who calls; None where a service does, or somebody of the vendor's."""
    question = request._request.decision.question  # type: ignore[attr-defined]  # noqa: SLF001 - as above
    is_member = question.service is None and question.home == tenant_id
    return (question.subject.type, question.subject.id) if is_member else None


def checked(body: type[Serializer[Any]], request: Request) -> dict[str, Any]:
    """Read the request's body by its shape; anything else is a 400."""
    serializer = body(data=request.data)
    serializer.is_valid(raise_exception=True)
    found: dict[str, Any] = serializer.validated_data
    return found


def page_of(request: Request) -> tuple[str, int]:
    """Read which page is asked for: behind what, and how many.

    :raises InvalidName: no number, or one out of range.
    """
    limit = request.query_params.get("limit", str(DEFAULT_LIMIT))
    if not (limit.isascii() and limit.isdigit() and len(limit) <= len(str(MAX_LIMIT)) and 1 <= int(limit) <= MAX_LIMIT):
        raise InvalidName(f"limit is a number from 1 to {MAX_LIMIT}.")
    after = request.query_params.get("after", "")
    if not after.isprintable():
        raise InvalidName("after is the next of the page before.")
    return after, int(limit)


def paged[T](found: Sequence[T], limit: int, told: Callable[[T], Any], cursor: Callable[[T], str]) -> Response:
    """Answer with a page out of ``limit + 1`` things found."""
    items = found[:limit]
    more = cursor(items[-1]) if len(found) > limit and items else None
    return Response({"items": [told(one) for one in items], "next": more})


def instant_of(request: Request, *, otherwise: datetime) -> datetime:
    """Read ``?at=``.

    :raises InvalidRange: no instant, one without a zone, or one that is out of range.
    """
    given = request.query_params.get("at")
    if given is None:
        return otherwise
    try:
        found = parse_datetime(given)
    except ValueError:
        found = None
    if found is None:
        raise InvalidRange("at is an ISO 8601 instant with a time zone.")
    return names.beginning(found, "at")
