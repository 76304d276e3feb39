"""The shapes of what is asked and answered about webhooks."""

from datetime import timedelta
from typing import Any, Final

from rest_framework import serializers

from licensing.models.outbox import EventKind
from licensing.models.webhooks import DeliveryState, Disabled
from licensing.names import MAX_TEXT
from licensing.serializers import StrictSerializer
from licensing.webhooks.destinations import MAX_URL
from licensing.webhooks.endpoints import DEFAULT_OVERLAP, MAX_OVERLAP

EVENT_KINDS: Final = [one.value for one in EventKind]


class EndpointChange(StrictSerializer):
    """An endpoint to replace."""

    url = serializers.CharField(max_length=MAX_URL, help_text="Public, and https.")
    kinds = serializers.ListField(
        child=serializers.ChoiceField(choices=EVENT_KINDS), min_length=1, max_length=len(EVENT_KINDS)
    )
    title = serializers.CharField(max_length=MAX_TEXT, required=False, allow_blank=True, default="")
    is_enabled = serializers.BooleanField(required=False, default=True)


class EndpointBody(StrictSerializer):
    """An endpoint to make."""

    url = serializers.CharField(max_length=MAX_URL, help_text="Public, and https.")
    kinds = serializers.ListField(
        child=serializers.ChoiceField(choices=EVENT_KINDS), min_length=1, max_length=len(EVENT_KINDS)
    )
    title = serializers.CharField(max_length=MAX_TEXT, required=False, allow_blank=True, default="")
    of_tenant = serializers.CharField(
        max_length=64,
        required=False,
        allow_null=True,
        default=None,
        help_text="Slug or id of the one tenant whose events it gets; of all if left out.",
    )


class SecretBody(StrictSerializer):
    """How a secret is exchanged."""

    overlap_seconds = serializers.IntegerField(
        min_value=0,
        max_value=int(MAX_OVERLAP / timedelta(seconds=1)),
        required=False,
        default=int(DEFAULT_OVERLAP / timedelta(seconds=1)),
        help_text="How long the secret of before signs beside the new one.",
    )


class ReplayBody(StrictSerializer):
    """What is to be sent again."""

    since = serializers.DateTimeField(help_text="Whatever happened from then on; kept for thirty days.")
    only_failed = serializers.BooleanField(required=False, default=False)


class EndpointAnswer(serializers.Serializer[Any]):
    """An endpoint."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    title = serializers.CharField(allow_blank=True)
    of_tenant = serializers.CharField(allow_null=True)
    kinds = serializers.ListField(child=serializers.ChoiceField(choices=EVENT_KINDS))
    is_enabled = serializers.BooleanField()
    disabled_because = serializers.ChoiceField(choices=["", *Disabled.values], allow_blank=True)
    disabled_at = serializers.DateTimeField(allow_null=True)
    failing_since = serializers.DateTimeField(allow_null=True)
    rolls_until = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()


class EndpointWithSecret(EndpointAnswer):
    """An endpoint with its secret, which is shown this one time."""

    secret = serializers.CharField()


class EndpointPage(serializers.Serializer[Any]):
    """All endpoints; ``next`` is always null."""

    items = EndpointAnswer(many=True)
    next = serializers.CharField(allow_null=True)


class PingAnswer(serializers.Serializer[Any]):
    """How a message that tells of nothing was taken."""

    is_delivered = serializers.BooleanField(help_text="The endpoint answered 2xx.")
    status = serializers.IntegerField(allow_null=True, help_text="Null where it answered nothing.")
    error = serializers.CharField(allow_blank=True)
    milliseconds = serializers.IntegerField()


class DeliveryAnswer(serializers.Serializer[Any]):
    """One event on its way to one endpoint."""

    id = serializers.UUIDField()
    message = serializers.CharField(help_text="The `webhook-id` of every try.")
    endpoint = serializers.UUIDField()
    url = serializers.CharField()
    of_tenant = serializers.CharField()
    kind = serializers.ChoiceField(choices=EVENT_KINDS)
    at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=DeliveryState.values)
    attempts = serializers.IntegerField()
    next_try_at = serializers.DateTimeField(allow_null=True)
    last_tried_at = serializers.DateTimeField(allow_null=True)
    last_status = serializers.IntegerField(allow_null=True)
    last_error = serializers.CharField(allow_blank=True)
    milliseconds = serializers.IntegerField(allow_null=True)
    payload = serializers.JSONField()


class DeliveryPage(serializers.Serializer[Any]):
    """A page of deliveries, the newest first; ``next`` goes into ``after``."""

    items = DeliveryAnswer(many=True)
    next = serializers.CharField(allow_null=True)


class ReplayAnswer(serializers.Serializer[Any]):
    """How many events are sent again."""

    events = serializers.IntegerField()
