"""What the doors of impersonation take and give."""

from typing import Any

from rest_framework import serializers

from authlevels.impersonation import MAX_MINUTES
from authlevels.serializers import SubjectField


class ImpersonateRequest(serializers.Serializer[Any]):
    """As whom support wants to act, where, why, and for how long."""

    tenant = serializers.CharField(max_length=64)
    subject = SubjectField()
    reason = serializers.CharField(max_length=500)
    minutes = serializers.IntegerField(min_value=1, max_value=MAX_MINUTES, default=15)


class ImpersonationStarted(serializers.Serializer[Any]):
    """An impersonated session by its handle; it has no secret."""

    session = serializers.CharField()
    subject = SubjectField()
    expires_at = serializers.DateTimeField()


class ImpersonationAnswer(serializers.Serializer[Any]):
    """One time that support acted as somebody; ``by`` is written ``type:id``."""

    session = serializers.CharField()
    subject = SubjectField()
    by = serializers.CharField()
    reason = serializers.CharField()
    started_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class ImpersonationPage(serializers.Serializer[Any]):
    """The newest impersonations; ``next`` is always null."""

    items = ImpersonationAnswer(many=True)
    next = serializers.CharField(allow_null=True)
