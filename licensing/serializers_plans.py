"""The shapes of what is said of plans over time."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from licensing.catalogue_rows import requirement_of
from licensing.models.catalogue import MAX_GRACE_DAYS, PlanKind, PriceInterval
from licensing.names import MAX_LIMIT, MAX_LIST, MAX_TEXT
from licensing.plans.diffing import What
from licensing.serializers import RequirementBody, StrictSerializer
from tiergate import ResetPeriod, Term

_MAX_RUN = 500
_MAX_PREVIEWED = 10_000


class PriceBody(StrictSerializer):
    """What a version costs."""

    amount = serializers.IntegerField(min_value=0, max_value=MAX_LIMIT, help_text="Minor units.")
    currency = serializers.RegexField("^[a-z]{3}$", help_text="ISO 4217, lower case.")
    interval = serializers.ChoiceField(choices=[one for one in PriceInterval.values if one])


class TermBody(StrictSerializer):
    """What a version says of one feature."""

    feature = serializers.CharField(max_length=100)
    value = serializers.JSONField(required=False, allow_null=True, default=None)
    limit = serializers.IntegerField(min_value=0, max_value=MAX_LIMIT, required=False, allow_null=True, default=None)
    unlimited = serializers.BooleanField(default=False)
    reset_period = serializers.ChoiceField(
        choices=[one.value for one in ResetPeriod], required=False, allow_null=True, default=None
    )
    overage = serializers.BooleanField(default=False, help_text="More may be used, and is counted as overage.")
    rollover = serializers.IntegerField(
        min_value=0,
        max_value=MAX_LIMIT,
        required=False,
        allow_null=True,
        default=None,
        help_text="At most so much of what was left goes on into the next period.",
    )
    requirement = RequirementBody(required=False, allow_null=True, default=None)


class DraftBeginning(StrictSerializer):
    """A draft to begin; ``from_version`` left out: from what is on sale."""

    plan = serializers.CharField(max_length=100)
    kind = serializers.ChoiceField(choices=PlanKind.choices, default=PlanKind.PLAN.value)
    from_version = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False, allow_null=True)
    title = serializers.CharField(max_length=MAX_TEXT, required=False, allow_blank=True, help_text="Of a new plan.")


class DraftBody(StrictSerializer):
    """What is to change in a draft; a ``price`` of null: not for sale by itself."""

    put = serializers.ListField(child=TermBody(), max_length=MAX_LIST, default=list)
    remove = serializers.ListField(child=serializers.CharField(max_length=100), max_length=MAX_LIST, default=list)
    price = PriceBody(required=False, allow_null=True)
    grace_days = serializers.IntegerField(min_value=0, max_value=MAX_GRACE_DAYS, required=False)


class VersionAnswer(serializers.Serializer[Any]):
    """A version; ``ref`` names it."""

    ref = serializers.CharField()
    kind = serializers.ChoiceField(choices=PlanKind.choices)
    plan = serializers.CharField()
    number = serializers.IntegerField()
    title = serializers.CharField(allow_blank=True)
    status = serializers.CharField(help_text="Draft, published or retired.")
    is_on_sale = serializers.BooleanField(help_text="New subscriptions get this one.")
    price = PriceBody(allow_null=True)
    grace_days = serializers.IntegerField()
    terms = serializers.ListField(child=serializers.DictField(child=serializers.JSONField()))
    published_at = serializers.DateTimeField(allow_null=True)


class VersionsAnswer(serializers.Serializer[Any]):
    """Every version."""

    items = VersionAnswer(many=True)


class DifferenceAnswer(serializers.Serializer[Any]):
    """One thing that is otherwise."""

    what = serializers.ChoiceField(choices=[one.value for one in What])
    key = serializers.CharField(allow_blank=True, help_text="The feature.")
    old = serializers.JSONField(allow_null=True)
    new = serializers.JSONField(allow_null=True)
    sentence = serializers.CharField()


class DifferencesAnswer(serializers.Serializer[Any]):
    """What differs."""

    items = DifferenceAnswer(many=True)


class MigrationBody(StrictSerializer):
    """Whom to move from where to where; ``tenants`` left out: all who are on it."""

    from_version = serializers.CharField(max_length=120)
    to_version = serializers.CharField(max_length=120)
    tenants = serializers.ListField(
        child=serializers.CharField(max_length=100), max_length=_MAX_PREVIEWED, required=False, allow_null=True
    )


class ShiftAnswer(serializers.Serializer[Any]):
    """A value before and after."""

    feature = serializers.CharField()
    old = serializers.JSONField(allow_null=True)
    new = serializers.JSONField(allow_null=True)


class TenantEffectAnswer(serializers.Serializer[Any]):
    """What a move does to one tenant."""

    tenant = serializers.CharField()
    managed_by = serializers.CharField(allow_blank=True, help_text="Who goes on billing the version of before.")
    gains = serializers.ListField(child=serializers.CharField())
    loses = serializers.ListField(child=serializers.CharField())
    limits = ShiftAnswer(many=True)
    configs = ShiftAnswer(many=True)
    assurance = ShiftAnswer(many=True)
    sentences = serializers.ListField(child=serializers.CharField())


class MigrationPreviewAnswer(serializers.Serializer[Any]):
    """A move as it would be; ``digest`` runs just this."""

    digest = serializers.CharField()
    from_version = serializers.CharField()
    to_version = serializers.CharField()
    differences = DifferenceAnswer(many=True)
    tenants = TenantEffectAnswer(many=True)


class RunBody(StrictSerializer):
    """How many tenants to move at once."""

    limit = serializers.IntegerField(min_value=1, max_value=_MAX_RUN, default=100)


class RefusedAnswer(serializers.Serializer[Any]):
    """A tenant who stayed where it was."""

    tenant = serializers.CharField()
    why = serializers.CharField()


class ProgressAnswer(serializers.Serializer[Any]):
    """How far a move has come."""

    digest = serializers.CharField()
    from_version = serializers.CharField()
    to_version = serializers.CharField()
    left = serializers.IntegerField()
    moved = serializers.IntegerField()
    refused = RefusedAnswer(many=True)


def term_in(given: Mapping[str, Any]) -> Term:
    """Read a term from a checked body."""
    period = given["reset_period"]
    return Term(
        feature=given["feature"],
        value=given["value"],
        limit=given["limit"],
        unlimited=given["unlimited"],
        reset_period=None if period is None else ResetPeriod(period),
        requirement=requirement_of(given["requirement"]),
        overage=given["overage"],
        rollover=given["rollover"],
    )
