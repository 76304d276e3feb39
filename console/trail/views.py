"""The trail over HTTP."""

from datetime import UTC, datetime
from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit import api as audit
from console.trail.reading import Asked, names_in, read_page
from console.trail.sentences import sentence
from console.trail.wording import Names
from licensing import api as licensing
from tiergate import Action

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 250

_PARAMETERS: Final = [
    OpenApiParameter("subject", str, description="Only what is about this one, e.g. `user:alice`."),
    OpenApiParameter("kind", str, many=True, enum=sorted(audit.Kind), description="Only of this kind, or these."),
    OpenApiParameter("since", OpenApiTypes.DATETIME, description="From this instant on, with a time zone."),
    OpenApiParameter("until", OpenApiTypes.DATETIME, description="Before this instant, with a time zone."),
    OpenApiParameter("after", str, description="The `next` of the page before, or its `follow`."),
    OpenApiParameter("limit", OpenApiTypes.INT, description=f"1 to {MAX_LIMIT}; {DEFAULT_LIMIT} if left out."),
]


class TrailSubject(serializers.Serializer[Any]):
    """Whom an entry is about; the id of somebody who was erased is a tag."""

    type = serializers.CharField()
    id = serializers.CharField()


class TrailEntry(serializers.Serializer[Any]):
    """One thing that happened."""

    id = serializers.UUIDField()
    seq = serializers.IntegerField()
    at = serializers.DateTimeField()
    kind = serializers.CharField()
    subject = TrailSubject(allow_null=True)
    session = serializers.UUIDField(allow_null=True)
    sentence = serializers.CharField(help_text="The entry alone, told to a person.")
    payload = serializers.JSONField()
    personal = serializers.JSONField(
        allow_null=True, help_text="What is told of the subject under their own key; null where nobody can read it."
    )


class TrailPage(serializers.Serializer[Any]):
    """A page of the trail, oldest first."""

    items = TrailEntry(many=True)
    next = serializers.CharField(allow_null=True, help_text="The `after` of the next page; null on the last one.")
    follow = serializers.CharField(
        help_text="The `after` for whatever is new once you ask again: each entry once, however late it was committed."
    )


class TrailView(APIView):
    """A tenant's trail."""

    required_action = Action.AUDIT_READ
    tenant_kwarg = "tenant"

    @extend_schema(responses=TrailPage, parameters=_PARAMETERS, operation_id="list_audit", tags=["audit"])
    def get(self, request: Request, tenant: str) -> Response:
        """List what happened in a tenant, oldest first, page by page."""
        found = licensing.get_tenant(tenant)
        limit = _limit(request)
        page = read_page(_asked(request, found.id), after=_after(request), limit=limit)
        names = names_in(found)
        return Response(
            {
                "items": [_told(one, names) for one in page.entries],
                "next": page.next.text() if page.next else None,
                "follow": page.follow.text(),
            }
        )


def _told(entry: audit.Entry, names: Names) -> dict[str, Any]:
    return {
        "id": str(entry.id),
        "seq": entry.seq,
        "at": entry.at.astimezone(UTC).isoformat(),
        "kind": entry.kind,
        "subject": {"type": entry.subject[0], "id": entry.subject[1]} if entry.subject else None,
        "session": str(entry.session_id) if entry.session_id else None,
        "sentence": sentence([entry], names),
        "payload": entry.payload,
        "personal": entry.personal,
    }


def _asked(request: Request, tenant_id: Any) -> Asked:
    given = request.query_params
    kinds = [one for text in given.getlist("kind") for one in text.split(",")]
    if not set(kinds) <= set(audit.Kind):
        raise licensing.InvalidName("kind is one that the trail can tell of.")
    return Asked(
        tenant_id=tenant_id,
        subject=licensing.split_subject(given["subject"]) if "subject" in given else None,
        kinds=[audit.Kind(one) for one in kinds] or None,
        since=_instant(given.get("since"), "since"),
        until=_instant(given.get("until"), "until"),
    )


def _instant(text: str | None, name: str) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        if found.tzinfo is not None:
            return found.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise licensing.InvalidRange(f"{name} is an ISO 8601 instant with a time zone.")


def _limit(request: Request) -> int:
    found = _number(request.query_params.get("limit", str(DEFAULT_LIMIT)))
    if found is None or not 1 <= found <= MAX_LIMIT:
        raise licensing.InvalidName(f"limit is a number from 1 to {MAX_LIMIT}.")
    return found


def _after(request: Request) -> audit.Cursor | None:
    text = request.query_params.get("after", "")
    return audit.Cursor.read(text) if text else None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_LIMIT)) else None
