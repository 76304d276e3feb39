"""Plans over time, over HTTP: for the vendor's operator alone."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from isolation.clock import now
from licensing.plan_content import Price
from licensing.plans.diffing import Difference, diff_versions
from licensing.plans.drafts import (
    UNCHANGED,
    begin_draft,
    discard_draft,
    edit_draft,
    publish_version,
    retire_version,
)
from licensing.plans.effects import effect_json, effect_sentences
from licensing.plans.migrating import (
    MigrationPreview,
    MigrationProgress,
    get_migration,
    preview_migration,
    run_migration,
)
from licensing.plans.versions import get_version, list_versions, view_json
from licensing.serializers_plans import (
    DifferencesAnswer,
    DraftBeginning,
    DraftBody,
    MigrationBody,
    MigrationPreviewAnswer,
    ProgressAnswer,
    RunBody,
    VersionAnswer,
    VersionsAnswer,
    term_in,
)
from licensing.tenants import get_tenant
from licensing.wire import author, checked, documented
from tiergate import Action


class VersionListView(APIView):
    """All versions, and new drafts."""

    required_action = {"GET": Action.PLAN_READ, "POST": Action.PLAN_WRITE}

    @documented("list_versions", VersionsAnswer)
    def get(self, request: Request) -> Response:  # noqa: ARG002 - as routed
        """List every version of every plan and add-on, drafts too."""
        return Response({"items": [view_json(one) for one in list_versions()]})

    @documented("begin_draft", VersionAnswer, body=DraftBeginning, statuses=(201,))
    def post(self, request: Request) -> Response:
        """Begin a draft from a version; a plan that does not exist yet is made."""
        given = checked(DraftBeginning, request)
        return Response(view_json(begin_draft(**given, by=author(request), at=now())), status=201)


class VersionView(APIView):
    """One version; a draft can be changed."""

    required_action = {"GET": Action.PLAN_READ, "PATCH": Action.PLAN_WRITE, "DELETE": Action.PLAN_WRITE}

    @documented("get_version", VersionAnswer)
    def get(self, request: Request, ref: str) -> Response:  # noqa: ARG002 - as routed
        """Show a version with its terms."""
        return Response(view_json(get_version(ref=ref)))

    @documented("edit_draft", VersionAnswer, body=DraftBody)
    def patch(self, request: Request, ref: str) -> Response:
        """Change what a draft says; what is not named stays."""
        given = checked(DraftBody, request)
        price = given.get("price", UNCHANGED)
        view = edit_draft(
            ref=ref,
            put=[term_in(one) for one in given["put"]],
            remove=given["remove"],
            price=Price(**price) if isinstance(price, dict) else price,
            grace_days=given.get("grace_days"),
            by=author(request),
            at=now(),
        )
        return Response(view_json(view))

    @documented("discard_draft", None, statuses=(204,))
    def delete(self, request: Request, ref: str) -> Response:
        """Throw a draft away."""
        discard_draft(ref=ref, by=author(request), at=now())
        return Response(status=204)


class PublishView(APIView):
    """Putting a version on sale."""

    required_action = Action.PLAN_WRITE

    @documented("publish_version", VersionAnswer)
    def post(self, request: Request, ref: str) -> Response:
        """Put a version on sale; nobody who is on another one is moved."""
        return Response(view_json(publish_version(ref=ref, by=author(request), at=now())))


class RetireView(APIView):
    """Taking a version off sale."""

    required_action = Action.PLAN_WRITE

    @documented("retire_version", VersionAnswer)
    def post(self, request: Request, ref: str) -> Response:
        """Take a version off sale; who is on it keeps it."""
        return Response(view_json(retire_version(ref=ref, by=author(request), at=now())))


class DiffView(APIView):
    """How one version differs from another."""

    required_action = Action.PLAN_READ

    @documented("diff_versions", DifferencesAnswer)
    def get(self, request: Request, old: str, new: str) -> Response:  # noqa: ARG002 - as routed
        """Compare two versions, as data and in sentences."""
        return Response({"items": [difference_json(one) for one in diff_versions(old=old, new=new)]})


class MigrationListView(APIView):
    """Previews of moves."""

    required_action = Action.PLAN_WRITE

    @documented("preview_migration", MigrationPreviewAnswer, body=MigrationBody, statuses=(201,))
    def post(self, request: Request) -> Response:
        """Show what moving tenants to another version would do to each; nobody is moved."""
        given = checked(MigrationBody, request)
        named = given.get("tenants")
        preview = preview_migration(
            from_version=given["from_version"],
            to_version=given["to_version"],
            tenants=None if named is None else [get_tenant(one).id for one in named],
            at=now(),
        )
        return Response(preview_json(preview), status=201)


class MigrationView(APIView):
    """One move."""

    required_action = {"GET": Action.PLAN_READ, "POST": Action.PLAN_WRITE}

    @documented("get_migration", ProgressAnswer)
    def get(self, request: Request, digest: str) -> Response:  # noqa: ARG002 - as routed
        """Tell how far a move has come."""
        return Response(progress_json(get_migration(digest=digest)))

    @documented("run_migration", ProgressAnswer, body=RunBody)
    def post(self, request: Request, digest: str) -> Response:
        """Move the next tenants as was shown; post again until none is left."""
        limit = checked(RunBody, request)["limit"]
        return Response(progress_json(run_migration(digest=digest, by=author(request), at=now(), limit=limit)))


def difference_json(one: Difference) -> dict[str, Any]:
    """Write a difference."""
    return {"what": one.what.value, "key": one.key, "old": one.old, "new": one.new, "sentence": one.sentence}


def preview_json(preview: MigrationPreview) -> dict[str, Any]:
    """Write a preview."""
    return {
        "digest": preview.digest,
        "from_version": preview.from_version,
        "to_version": preview.to_version,
        "differences": [difference_json(one) for one in preview.differences],
        "tenants": [
            {
                "tenant": one.slug,
                "managed_by": one.managed_by,
                **effect_json(one.effect),
                "sentences": effect_sentences(one.effect),
            }
            for one in preview.tenants
        ],
    }


def progress_json(progress: MigrationProgress) -> dict[str, Any]:
    """Write how far a move has come."""
    return {
        "digest": progress.digest,
        "from_version": progress.from_version,
        "to_version": progress.to_version,
        "left": progress.left,
        "moved": progress.moved,
        "refused": [{"tenant": slug, "why": why} for slug, why in progress.refused],
    }
