"""Rules over HTTP, for the vendor alone: which are in force, what is stored, and what would be if."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from msgspec import to_builtins
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from authlevels.api import ReviewedJSONParser
from decisions.policy.differing import differences
from decisions.policy.errors import PlanNotFound
from decisions.policy.parsers import BundleParser
from decisions.policy.plans import Plan, Replaying, begin_plan, begin_replay, get_plan, get_replay
from decisions.policy.replaying import to_json, to_lines
from decisions.policy.serializers import (
    BundleBody,
    BundleFilesAnswer,
    BundlesAnswer,
    PlanAnswer,
    PlanBody,
    PolicyReplayAnswer,
    PolicyReplayBody,
    StageAnswer,
    StoredAnswer,
)
from decisions.policy.showing import show_stage
from decisions.policy.storing import (
    Signature,
    Source,
    StoredBundle,
    count_brought,
    get_bundle,
    list_bundles,
    store_bundle,
)
from decisions.policy.wire import CURSOR, NO_STORE, author, documented
from isolation.clock import now
from tiergate import Action
from tiergate.policy.impact_text import to_markdown

_PAGE = 50
_AGAINST = OpenApiParameter("against", str, required=True, description="The digest of the bundle to compare with.")


class StageView(APIView):
    """Which rules are in force."""

    required_action = Action.BUNDLE_READ

    @documented("show_policy", StageAnswer)
    def get(self, request: Request) -> Response:  # noqa: ARG002 - as routed
        """Show which bundle is active, and which is a candidate beside it."""
        return Response(to_builtins(show_stage(), builtin_types=(datetime,)), headers=NO_STORE)


class BundleListView(APIView):
    """All bundles, and new ones."""

    required_action = {"GET": Action.BUNDLE_READ, "POST": Action.BUNDLE_WRITE}
    # Read only in `post`: whoever may not store a bundle has nothing of theirs read.
    parser_classes = (BundleParser,)

    @documented("list_bundles", BundlesAnswer, parameters=[CURSOR])
    def get(self, request: Request) -> Response:
        """List the bundles that are stored, the newest first, page by page."""
        found = list_bundles(after=request.query_params.get("cursor") or None, limit=_PAGE + 1)
        more = found[_PAGE - 1].digest if len(found) > _PAGE else None
        return Response({"items": [_bundle(one) for one in found[:_PAGE]], "next": more})

    @documented("store_bundle", StoredAnswer, body=BundleBody, statuses=(200, 201))
    def post(self, request: Request) -> Response:
        """Store a bundle that compiles, passes its own cases and keeps what it promises; nothing follows from it yet."""
        count_brought(by=author(request), at=now())
        given = BundleBody.read(request)
        signature, source = given["signature"], given["source"]
        stored = store_bundle(
            given["files"],
            by=author(request),
            source=Source(**source) if source else None,
            signature=Signature(**signature) if signature else None,
            at=now(),
        )
        return Response(_stored(stored), status=201 if stored.is_new else 200)


class BundleView(APIView):
    """One bundle."""

    required_action = Action.BUNDLE_READ

    @documented("get_bundle", BundleFilesAnswer)
    def get(self, request: Request, digest: str) -> Response:  # noqa: ARG002 - as routed
        """Show a bundle with its files."""
        found = get_bundle(digest)
        return Response({**_bundle(found), "files": dict(found.files)})


class BundleDiffView(APIView):
    """How one bundle differs from another."""

    required_action = Action.BUNDLE_READ

    @documented("diff_bundles", {(200, "text/plain"): OpenApiTypes.STR}, parameters=[_AGAINST])
    def get(self, request: Request, digest: str) -> HttpResponse:
        """Show what was taken away and added since another bundle, as a unified diff of their files."""
        new = get_bundle(digest)
        old = get_bundle(request.query_params.get("against", ""))
        return HttpResponse(differences(old.files, new.files), content_type="text/plain; charset=utf-8")


class PlanListView(APIView):
    """What bundles would have done."""

    required_action = Action.BUNDLE_WRITE
    parser_classes = (ReviewedJSONParser,)

    @documented("begin_plan", PlanAnswer, body=PlanBody, statuses=(202,))
    def post(self, request: Request) -> Response:
        """Begin to run a bundle over the decisions of the last days; look at the plan until it is done."""
        given = PlanBody.read(request)
        plan = begin_plan(digest=given["digest"], days=given["days"], by=author(request), at=now())
        return Response(_plan(plan), status=202)


class PlanView(APIView):
    """What one bundle would have done."""

    required_action = Action.BUNDLE_READ

    @documented("get_plan", PlanAnswer)
    def get(self, request: Request, plan_id: str) -> Response:  # noqa: ARG002 - as routed
        """Show how far it has come, and in the end what differs."""
        return Response(_plan(get_plan(_id(plan_id))), headers=NO_STORE)


class ReplayListView(APIView):
    """Decisions made again."""

    required_action = Action.BUNDLE_WRITE
    parser_classes = (ReviewedJSONParser,)

    @documented("begin_replay", PolicyReplayAnswer, body=PolicyReplayBody, statuses=(202,))
    def post(self, request: Request) -> Response:
        """Begin to make the decisions of the last days again, each by the bundle that it names; look until it is done."""
        given = PolicyReplayBody.read(request)
        return Response(_replay(begin_replay(days=given["days"], by=author(request), at=now())), status=202)


class ReplayView(APIView):
    """Whether decisions come out again as they were."""

    required_action = Action.BUNDLE_READ

    @documented("get_replay", PolicyReplayAnswer)
    def get(self, request: Request, replay_id: str) -> Response:  # noqa: ARG002 - as routed
        """Show how far it has come, and in the end what came out otherwise: nothing, where all is well."""
        return Response(_replay(get_replay(_id(replay_id))), headers=NO_STORE)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise PlanNotFound("There is no such plan.") from None


def _bundle(one: StoredBundle) -> dict[str, Any]:
    source = one.source
    return {
        "digest": one.digest,
        "name": one.name,
        "rules": one.rules,
        "stored_at": one.stored_at,
        "stored_by": one.stored_by,
        "signed_by": list(one.signed_by),
        "source": None
        if source is None
        else {"repository": source.repository, "commit": source.commit, "author": source.author},
    }


def _stored(one: StoredBundle) -> dict[str, Any]:
    return {
        "digest": one.digest,
        "name": one.name,
        "rules": one.rules,
        "invariants": one.invariants,
        "cases": one.cases,
        "findings": [dict(found) for found in one.findings],
        "given_up": [dict(gone) for gone in one.given_up],
        "waives": [dict(word) for word in one.waives],
        "signed_by": one.signed_by[0] if one.signed_by else None,
        "is_new": one.is_new,
    }


def _plan(one: Plan) -> dict[str, Any]:
    told: dict[str, Any] = {"id": str(one.id), "status": one.status, "done": one.done, "total": one.total}
    if one.report is not None:
        told |= {"report": to_builtins(one.report), "markdown": to_markdown(one.report)}
    return told | ({"why": one.error} if one.error else {})


def _replay(one: Replaying) -> dict[str, Any]:
    told: dict[str, Any] = {"id": str(one.id), "status": one.status, "done": one.done, "total": one.total}
    if one.report is not None:
        told |= {"report": to_builtins(to_json(one.report)), "lines": to_lines(one.report)}
    return told | ({"why": one.error} if one.error else {})
