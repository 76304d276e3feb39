"""The shapes of billing's requests and answers."""

from typing import Any, Final

from rest_framework import serializers

from decisions.api import StrictBody

MAX_KEY: Final = 100
MAX_ADD_ONS: Final = 20
_WHEN: Final = ("now", "period_end")


def _key() -> serializers.CharField:
    return serializers.CharField(
        max_length=MAX_KEY, help_text="Chosen by the caller: the same one again is the same request, done once."
    )


def _name() -> serializers.CharField:
    return serializers.CharField(max_length=MAX_KEY)


class CheckoutBody(StrictBody):
    """What is to be bought by a tenant that pays for nothing yet."""

    plan = _name()
    add_ons = serializers.ListField(child=_name(), max_length=MAX_ADD_ONS, default=list)
    key = _key()


class CheckoutAnswer(serializers.Serializer[Any]):
    """Where it is paid for."""

    id = serializers.UUIDField()
    url = serializers.CharField(help_text="Stripe's page; whoever has paid comes back by /billing/paid.")
    expires_at = serializers.DateTimeField()


class BillingTrialBody(StrictBody):
    """A plan to try."""

    plan = _name()
    key = _key()


class BillingTrialAnswer(serializers.Serializer[Any]):
    """What has begun, or where a card is asked for first."""

    has_begun = serializers.BooleanField()
    checkout = CheckoutAnswer(allow_null=True)
    snapshot = serializers.CharField()


class PortalAnswer(serializers.Serializer[Any]):
    """Where cards are changed and invoices shown."""

    url = serializers.CharField()


class ChangePreviewBody(StrictBody):
    """What is to be changed; what is left out stays."""

    plan = serializers.CharField(max_length=MAX_KEY, required=False, help_text="The one on sale by this key.")
    add_ons = serializers.ListField(
        child=_name(), max_length=MAX_ADD_ONS, required=False, help_text="All that are wanted."
    )
    when = serializers.ChoiceField(
        choices=_WHEN, required=False, help_text="Left out: now for more, at the end of the period for less."
    )


class BilledVersionAnswer(serializers.Serializer[Any]):
    """A version of a plan or add-on; empty and 0 for a price that is unknown here."""

    kind = serializers.CharField(allow_blank=True)
    key = serializers.CharField(allow_blank=True)
    version = serializers.IntegerField()


class LineAnswer(serializers.Serializer[Any]):
    """One line of what would be charged; negative for what is given back."""

    description = serializers.CharField(allow_blank=True)
    amount = serializers.IntegerField()


class CostAnswer(serializers.Serializer[Any]):
    """What is charged when it takes effect, in minor units. credit: what is kept for the next invoice."""

    amount_due = serializers.IntegerField()
    credit = serializers.IntegerField()
    currency = serializers.CharField()
    lines = LineAnswer(many=True)


class QuoteAnswer(serializers.Serializer[Any]):
    """What a change costs until ``expires_at``. effective_at: null for at once."""

    id = serializers.UUIDField()
    when = serializers.CharField()
    versions = BilledVersionAnswer(many=True)
    cost = CostAnswer()
    effective_at = serializers.DateTimeField(allow_null=True)
    expires_at = serializers.DateTimeField()


class AskedAnswer(serializers.Serializer[Any]):
    """What a feature will ask. before: null where it is not had yet."""

    feature = serializers.CharField()
    before = serializers.DictField(allow_null=True)
    after = serializers.DictField()


class UnreadyAnswer(serializers.Serializer[Any]):
    """A member who could not show it."""

    type = serializers.CharField()
    id = serializers.CharField()
    display_name = serializers.CharField(allow_blank=True)


class DeltaAnswer(serializers.Serializer[Any]):
    """What would be asked of members that nothing asks yet, and who could not show it, 100 at most."""

    requires = serializers.DictField(allow_null=True)
    features = AskedAnswer(many=True)
    members = serializers.IntegerField()
    ready = serializers.IntegerField()
    not_ready = UnreadyAnswer(many=True)
    sentences = serializers.ListField(child=serializers.CharField())


class ActionAnswer(serializers.Serializer[Any]):
    """What to do next."""

    method = serializers.CharField()
    href = serializers.CharField()


class ChangePreviewAnswer(serializers.Serializer[Any]):
    """What a change costs and asks. quote: null where nothing is paid for yet, so that ``action`` is a checkout."""

    quote = QuoteAnswer(allow_null=True)
    security_delta = DeltaAnswer()
    action = ActionAnswer()


class BillingChangeBody(StrictBody):
    """The quote by which a change is made."""

    quote = serializers.UUIDField()
    key = _key()


class BillingChangeAnswer(serializers.Serializer[Any]):
    """What came of a change.

    charged: in minor units; null for nothing. is_settled: ``snapshot`` has it; else it will be there in a moment.
    """

    when = serializers.CharField()
    effective_at = serializers.DateTimeField(allow_null=True)
    charged = serializers.IntegerField(allow_null=True)
    is_settled = serializers.BooleanField()
    snapshot = serializers.CharField(help_text="For `min_snapshot`.")


class BillingAnswer(serializers.Serializer[Any]):
    """What is paid for, by what was read last; all null where nothing is."""

    is_on = serializers.BooleanField(help_text="Whether anything can be bought online here.")
    status = serializers.CharField(allow_null=True)
    versions = BilledVersionAnswer(many=True)
    period_end = serializers.DateTimeField(allow_null=True)
    cancel_at = serializers.DateTimeField(allow_null=True)
    upcoming_at = serializers.DateTimeField(allow_null=True)
    upcoming = BilledVersionAnswer(many=True)
    read_at = serializers.DateTimeField(allow_null=True)


class InvoiceAnswer(serializers.Serializer[Any]):
    """One invoice; amounts in minor units."""

    id = serializers.CharField()
    number = serializers.CharField(allow_blank=True)
    status = serializers.CharField()
    created_at = serializers.DateTimeField(allow_null=True)
    total = serializers.IntegerField()
    paid = serializers.IntegerField()
    currency = serializers.CharField()
    url = serializers.CharField(allow_blank=True)


class InvoicePage(serializers.Serializer[Any]):
    """A page of invoices, the newest first; ``next`` goes into ``after``."""

    items = InvoiceAnswer(many=True)
    next = serializers.CharField(allow_null=True)
