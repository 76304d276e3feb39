"""What the doors of approvals take and give."""

from typing import Any, Final

from rest_framework import serializers

from authlevels import api as authlevels

APPROVAL_STATES: Final = ["pending", "approved", "refused", "used", "expired"]


class OpenApprovalRequest(serializers.Serializer[Any]):
    """The refusal that other people's agreement would help. tenant: only for a vendor-wide credential."""

    decision_id = serializers.CharField(max_length=64)
    tenant = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")


class ActingRequest(serializers.Serializer[Any]):
    """In whose session; only a service that relays says so."""

    session = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")


class RequesterField(serializers.Serializer[Any]):
    """Who asked."""

    type = serializers.CharField()
    id = serializers.CharField()


class ApprovalAnswer(serializers.Serializer[Any]):
    """An approval as it stands."""

    approval_id = serializers.CharField()
    state = serializers.ChoiceField(choices=APPROVAL_STATES)
    expires_at = serializers.DateTimeField()
    needed = serializers.IntegerField()
    granted = serializers.IntegerField()
    requester = RequesterField()
    display = serializers.JSONField()


class OpenedApprovalAnswer(ApprovalAnswer):
    """An approval that was opened, with the code by which somebody finds it."""

    user_code = serializers.CharField(required=False)
    number = serializers.IntegerField(required=False)
    verification_uri = serializers.CharField(required=False)
    verification_uri_complete = serializers.CharField(required=False)
    interval = serializers.IntegerField(required=False)


class ApprovalList(serializers.Serializer[Any]):
    """What waits for somebody's agreement."""

    items = ApprovalAnswer(many=True)


def approval_members(shown: authlevels.ShownApproval) -> dict[str, Any]:
    """Return the members of an approval's answer."""
    return {
        "approval_id": shown.id,
        "state": shown.state,
        "expires_at": shown.expires_at,
        "needed": shown.needed,
        "granted": shown.granted,
        "requester": {"type": shown.subject[0], "id": shown.subject[1]},
        "display": shown.display,
    }
