"""A subscription's scheduled change, and trials, over HTTP."""

from datetime import timedelta
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from isolation.clock import now
from licensing.names import MAX_LIST, MAX_TEXT
from licensing.pending import ScheduledChange, cancel_change, get_change, schedule_change
from licensing.serializers import HeldAddOn, StrictSerializer, SubscriptionAnswer
from licensing.snapshots import snapshot_version
from licensing.subscription_rows import subscription_json
from licensing.tenants import get_tenant
from licensing.trials import start_trial
from licensing.wire import author, checked, documented
from tiergate import Action


class PendingChangeBody(StrictSerializer):
    """What the tenant shall be on later."""

    plan = serializers.CharField(
        max_length=100, allow_null=True, help_text="Null to end it: what is fallen to is the default plan, or nothing."
    )
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False, allow_null=True)
    add_ons = serializers.ListField(child=serializers.CharField(max_length=100), max_length=MAX_LIST, default=list)
    effective_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="The end of what is paid for if left out."
    )
    grace_days = serializers.IntegerField(
        min_value=0, max_value=90, required=False, help_text="Waited for billing to confirm it; then it is made so."
    )


class PendingChangeAnswer(serializers.Serializer[Any]):
    """A change that is to come; what the tenant has holds until then."""

    plan = serializers.CharField(allow_null=True, help_text="Null where it ends.")
    version = serializers.IntegerField(allow_null=True)
    add_ons = HeldAddOn(many=True)
    effective_at = serializers.DateTimeField()
    confirm_by = serializers.DateTimeField()


class TrialBody(StrictSerializer):
    """A plan to try, and by what the tenant is known again."""

    plan = serializers.CharField(max_length=100)
    days = serializers.IntegerField(min_value=1, max_value=365)
    domain = serializers.CharField(max_length=MAX_TEXT, required=False, allow_blank=True)
    card_fingerprint = serializers.CharField(max_length=MAX_TEXT, required=False, allow_blank=True)


class PendingView(APIView):
    """A subscription's change that is to come."""

    required_action = {
        "GET": Action.SUBSCRIPTION_READ,
        "PUT": Action.SUBSCRIPTION_WRITE,
        "DELETE": Action.SUBSCRIPTION_WRITE,
    }
    tenant_kwarg = "tenant"

    @documented("get_pending_change", PendingChangeAnswer)
    def get(self, request: Request, tenant: str) -> Response:  # noqa: ARG002 - as routed
        """Show what is scheduled."""
        return Response(_change_json(get_change(tenant_id=get_tenant(tenant).id)))

    @documented("schedule_change", PendingChangeAnswer, body=PendingChangeBody)
    def put(self, request: Request, tenant: str) -> Response:
        """Schedule a change; the same again changes nothing, and another one has to wait until this is cancelled."""
        given = checked(PendingChangeBody, request)
        days = given.pop("grace_days", None)
        told = schedule_change(
            tenant_id=get_tenant(tenant).id,
            **given,
            grace=None if days is None else timedelta(days=days),
            by=author(request),
            at=now(),
        )
        return Response(_change_json(told))

    @documented("cancel_change", None, statuses=(204,))
    def delete(self, request: Request, tenant: str) -> Response:
        """Cancel what is scheduled."""
        cancel_change(tenant_id=get_tenant(tenant).id, by=author(request), at=now())
        return Response(status=204)


class TrialView(APIView):
    """Trying a plan."""

    required_action = Action.SUBSCRIPTION_WRITE
    tenant_kwarg = "tenant"

    @documented("start_trial", SubscriptionAnswer, body=TrialBody, statuses=(201,))
    def post(self, request: Request, tenant: str) -> Response:
        """Let the tenant try a plan, once."""
        given = checked(TrialBody, request)
        found = get_tenant(tenant)
        told = start_trial(tenant_id=found.id, **given, by=author(request), at=now())
        snapshot = snapshot_version(tenant_id=found.id)
        return Response({**(subscription_json(told) or {}), "snapshot": snapshot}, status=201)


def _change_json(told: ScheduledChange) -> dict[str, Any]:
    return {
        "plan": told.plan,
        "version": told.version,
        "add_ons": [{"key": key, "version": number} for key, number in told.add_ons],
        "effective_at": told.effective_at,
        "confirm_by": told.confirm_by,
    }
