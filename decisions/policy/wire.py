"""What all doors of rules share: who calls, and how the API's document tells of each."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.serializers import Serializer

type View = Callable[..., HttpResponseBase]

CURSOR: Final = OpenApiParameter("cursor", OpenApiTypes.STR, description="The `next` of the page before.")
NO_STORE: Final = {"Cache-Control": "no-store"}


def documented(
    operation_id: str,
    answer: type[Serializer[Any]] | dict[Any, Any],
    *,
    body: type[Serializer[Any]] | None = None,
    statuses: Sequence[int] = (200,),
    parameters: Sequence[OpenApiParameter] = (),
) -> Callable[[View], View]:
    """Tell the API's document of an operation; `decisions.openapi` adds the refusals to each."""
    responses = answer if isinstance(answer, dict) else dict.fromkeys(statuses, answer)
    return extend_schema(
        operation_id=operation_id, request=body, responses=responses, parameters=list(parameters), tags=["policy"]
    )


def author(request: Request) -> str:
    """Name who calls, as the decision that let them in has it."""
    asked_by: str = request._request.decision.question.asked_by  # type: ignore[attr-defined]  # noqa: SLF001 - left by the door
    return asked_by
