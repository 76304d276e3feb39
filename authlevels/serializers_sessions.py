"""What the doors of a person's own sessions answer."""

from typing import Any

from rest_framework import serializers


class OwnSessionAnswer(serializers.Serializer[Any]):
    """One of the caller's sessions; device and place are words for people."""

    id = serializers.CharField()
    device = serializers.CharField()
    place = serializers.CharField()
    ip = serializers.CharField(allow_null=True)
    is_current = serializers.BooleanField()
    is_support = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    last_seen_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()


class OwnSessionList(serializers.Serializer[Any]):
    """Where the caller is signed in."""

    items = OwnSessionAnswer(many=True)


class EndedAnswer(serializers.Serializer[Any]):
    """How many sessions ended."""

    ended = serializers.IntegerField()
