"""Usage over HTTP."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from isolation.clock import now
from licensing.errors import UsageNotFound
from licensing.names import as_uuid, split_subject
from licensing.serializers_usage import CommitBody, ConsumeBody, ReleaseBody, ReserveBody, UsageAnswer, UseAnswer
from licensing.tenants import get_tenant
from licensing.usage.reading import usage_of
from licensing.usage.settling import commit, release
from licensing.usage.taking import Consumed, consume, reserve
from licensing.wire import AT_PARAMETER, checked, decision_of, documented, instant_of
from tiergate import Action


def use_json(told: Consumed) -> dict[str, Any]:
    """Write a use."""
    return {
        "id": told.usage_id,
        "key": told.key,
        "state": told.state,
        "items": [{"feature": feature, "quantity": quantity} for feature, quantity in told.items],
        "at": told.at,
        "expires_at": told.expires_at,
    }


def _asked(request: Request, given: dict[str, Any]) -> dict[str, Any]:
    return {
        "items": [(item["feature"], item["quantity"]) for item in given["items"]],
        "key": given["key"],
        "subject": split_subject(given["subject"]) if given["subject"] else None,
        "decision_id": decision_of(request),
    }


def _id_of(text: str) -> UUID:
    found = as_uuid(text)
    if found is None:
        raise UsageNotFound("The tenant has no such use.")
    return found


class UsageView(APIView):
    """How much of its limits a tenant has used."""

    required_action = Action.USAGE_READ
    tenant_kwarg = "tenant"

    @documented("get_usage", UsageAnswer, parameters=(AT_PARAMETER,))
    def get(self, request: Request, tenant: str) -> Response:
        """Show how much of each limit is taken, in the period of now or of another instant."""
        found, at = get_tenant(tenant), instant_of(request, otherwise=now())
        told = usage_of(tenant_id=found.id, at=at)
        items = [{"feature": feature, **asdict(one)} for feature, one in sorted(told.items())]
        return Response({"tenant": found.slug, "as_of": at, "items": items})


class ConsumeView(APIView):
    """Using up."""

    required_action = Action.USAGE_WRITE
    tenant_kwarg = "tenant"

    @documented("consume_usage", UseAnswer, body=ConsumeBody)
    def post(self, request: Request, tenant: str) -> Response:
        """Use up so much of each feature, all or nothing; the same key is the same use."""
        given = checked(ConsumeBody, request)
        return Response(use_json(consume(tenant_id=get_tenant(tenant).id, **_asked(request, given), at=now())))


class ReserveView(APIView):
    """Holding."""

    required_action = Action.USAGE_WRITE
    tenant_kwarg = "tenant"

    @documented("reserve_usage", UseAnswer, body=ReserveBody)
    def post(self, request: Request, tenant: str) -> Response:
        """Hold so much of each feature for a time, all or nothing; the same key is the same reservation."""
        given = checked(ReserveBody, request)
        ttl = timedelta(seconds=given["ttl"])
        told = reserve(tenant_id=get_tenant(tenant).id, **_asked(request, given), ttl=ttl, at=now())
        return Response(use_json(told))


class CommitView(APIView):
    """Using what is held."""

    required_action = Action.USAGE_WRITE
    tenant_kwarg = "tenant"

    @documented("commit_usage", UseAnswer, body=CommitBody)
    def post(self, request: Request, tenant: str, usage: str) -> Response:
        """Use what a reservation holds, or less of it; again changes nothing."""
        given = checked(CommitBody, request)
        told = commit(tenant_id=get_tenant(tenant).id, usage_id=_id_of(usage), quantity=given["quantity"], at=now())
        return Response(use_json(told))


class ReleaseView(APIView):
    """Giving back what is held."""

    required_action = Action.USAGE_WRITE
    tenant_kwarg = "tenant"

    @documented("release_usage", UseAnswer, body=ReleaseBody)
    def post(self, request: Request, tenant: str, usage: str) -> Response:
        """Give back what a reservation holds; again changes nothing."""
        checked(ReleaseBody, request)
        return Response(use_json(release(tenant_id=get_tenant(tenant).id, usage_id=_id_of(usage), at=now())))
