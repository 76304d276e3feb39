"""The shapes of usage over HTTP."""

from typing import Any

from rest_framework import serializers

from licensing.serializers import StrictSerializer
from licensing.usage.counting import MAX_ITEMS, MAX_KEY, MAX_QUANTITY
from licensing.usage.taking import HELD_FOR, LONGEST


class UsageItem(StrictSerializer):
    """So much of one feature."""

    feature = serializers.CharField(max_length=100)
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_QUANTITY, default=1)


class ConsumeBody(StrictSerializer):
    """What is to be used, all of it or nothing."""

    items = serializers.ListField(child=UsageItem(), min_length=1, max_length=MAX_ITEMS)
    key = serializers.CharField(
        max_length=MAX_KEY, help_text="The product's own name for this use: sent again, it is the same use."
    )
    subject = serializers.CharField(
        max_length=300, required=False, allow_null=True, default=None, help_text="Whose use it is: `user:ines`."
    )


class ReserveBody(ConsumeBody):
    """What is to be held, all of it or nothing."""

    ttl = serializers.IntegerField(
        min_value=1,
        max_value=int(LONGEST.total_seconds()),
        default=int(HELD_FOR.total_seconds()),
        help_text="Seconds until it is given back by itself.",
    )


class CommitBody(StrictSerializer):
    """How much of what is held was used."""

    quantity = serializers.IntegerField(
        min_value=1,
        max_value=MAX_QUANTITY,
        required=False,
        allow_null=True,
        default=None,
        help_text="Of a reservation of one feature; all of it if left out.",
    )


class ReleaseBody(StrictSerializer):
    """Nothing needs to be said."""


class UseAnswer(serializers.Serializer[Any]):
    """A use as it stands."""

    id = serializers.UUIDField()
    key = serializers.CharField()
    state = serializers.CharField(help_text="Consumed, reserved, committed, released or expired.")
    items = UsageItem(many=True)
    at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class FeatureUsage(serializers.Serializer[Any]):
    """How much of one limit is taken."""

    feature = serializers.CharField()
    used = serializers.IntegerField()
    reserved = serializers.IntegerField()
    limit = serializers.IntegerField(allow_null=True)
    unlimited = serializers.BooleanField()
    overage = serializers.IntegerField(help_text="Used beyond the limit, where that is soft.")
    carried = serializers.IntegerField(help_text="On top of the limit, from the period before.")
    period_start = serializers.DateTimeField()
    reset_at = serializers.DateTimeField(allow_null=True, help_text="Null: the count never starts again.")


class UsageAnswer(serializers.Serializer[Any]):
    """How much of its limits a tenant has used."""

    tenant = serializers.CharField()
    as_of = serializers.DateTimeField()
    items = FeatureUsage(many=True)
