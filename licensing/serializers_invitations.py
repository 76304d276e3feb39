"""The shapes of invitations over HTTP."""

from typing import Any

from rest_framework import serializers

from licensing.invitations import KEPT_OPEN, LONGEST, MAX_ADDRESS
from licensing.names import MAX_LIST, MAX_TEXT
from licensing.serializers import StrictSerializer


class InviteBody(StrictSerializer):
    """Whom to invite."""

    address = serializers.CharField(max_length=MAX_ADDRESS)
    roles = serializers.ListField(child=serializers.CharField(max_length=100), max_length=MAX_LIST)
    ttl = serializers.IntegerField(
        min_value=60,
        max_value=int(LONGEST.total_seconds()),
        default=int(KEPT_OPEN.total_seconds()),
        help_text="Seconds that it is open.",
    )


class AcceptBody(StrictSerializer):
    """Who joins, and by which invitation: its token, or its id where the caller vouches."""

    token = serializers.CharField(max_length=200, required=False, allow_null=True, default=None)
    invitation = serializers.UUIDField(required=False, allow_null=True, default=None)
    subject = serializers.CharField(max_length=300, help_text="Whom the product knows them as: `user:ines`.")
    display_name = serializers.CharField(max_length=MAX_TEXT, allow_blank=True, default="")


class InvitationAnswer(serializers.Serializer[Any]):
    """An open invitation."""

    id = serializers.UUIDField()
    address = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    by = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class InvitedAnswer(InvitationAnswer):
    """An invitation with what accepts it, which is told this once."""

    token = serializers.CharField()


class InvitationPage(serializers.Serializer[Any]):
    """A page of open invitations; ``next`` goes into ``after``."""

    items = InvitationAnswer(many=True)
    next = serializers.CharField(allow_null=True)
