"""What the doors of risk take and answer."""

from typing import Any

from rest_framework import serializers

from authlevels.risk_signals import MOST_AT_ONCE, Event
from authlevels.serializers import LONGEST_ID, AddressField, InstantField, SentField
from riskengine.api import LONGEST_AGENT, LONGEST_TOKEN, Mode


class RiskPolicyBody(serializers.Serializer[Any]):
    """A tenant's risk policy; what is left out stays.

    table: by band and sensitivity what is asked, ``null`` for nothing; an empty one is the default. tenant: for the vendor.
    """

    tenant = serializers.CharField(required=False, max_length=64, default="")
    mode = serializers.ChoiceField(choices=[one.value for one in Mode], required=False)
    table = serializers.DictField(required=False)


class RiskPolicyAnswer(serializers.Serializer[Any]):
    """The whole of a tenant's risk policy."""

    mode = serializers.CharField()
    table = serializers.DictField()


class TypedSubject(serializers.Serializer[Any]):
    """A subject by the product's own type and id. id: of somebody who failed to sign in, whatever was typed; too long for anybody, it is nobody's."""

    type = serializers.CharField(max_length=64, default="user")
    id = SentField(longest=LONGEST_ID + 1, allow_null=False)


class SignalBody(serializers.Serializer[Any]):
    """One thing that is told. id: your own name for it; the same one again is the same thing."""

    id = serializers.CharField(max_length=200)
    event = serializers.ChoiceField(choices=[one.value for one in Event])
    subject = TypedSubject()
    session = serializers.CharField(required=False, allow_null=True, max_length=64, default=None)
    ip = AddressField(required=False, allow_null=True, default=None)
    user_agent = SentField(longest=LONGEST_AGENT, required=False, default=None)
    device_token = SentField(longest=LONGEST_TOKEN, required=False, default=None)
    at = InstantField(required=False, allow_null=True, default=None)


class SignalsBody(serializers.Serializer[Any]):
    """What is told at once. tenant: for a credential of the vendor."""

    tenant = serializers.CharField(required=False, max_length=64, default="")
    items = serializers.ListField(child=SignalBody(), min_length=1, max_length=MOST_AT_ONCE)


class SignalsAnswer(serializers.Serializer[Any]):
    """How many were taken, and how many are of nobody here."""

    taken = serializers.IntegerField()
    ignored = serializers.IntegerField()


class FeedbackBody(serializers.Serializer[Any]):
    """Whose a session was. tenant: for a credential of the vendor."""

    tenant = serializers.CharField(required=False, max_length=64, default="")
    session = serializers.CharField(max_length=64)
    is_mine = serializers.BooleanField()
