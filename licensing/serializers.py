"""The shapes of requests and answers, for checking what comes in and for the API's document."""

from typing import Any, Final

from rest_framework import serializers

from licensing.environments import MAX_ENVIRONMENTS
from licensing.models.directory import TenantStatus
from licensing.models.holdings import SubscriptionStatus
from licensing.names import MAX_LIMIT, MAX_LIST, MAX_TEXT
from tiergate import (
    MAX_AGE_LIMIT,
    MAX_APPROVALS,
    EnvironmentSensitivity,
    FeatureKind,
    Level,
    OverrideEffect,
    ResetPeriod,
    Scope,
    Sensitivity,
)

_MAX_VERSION: Final = 2**31 - 1


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses members that it does not know: a misspelt one must not read as absent."""

    def to_internal_value(self, data: Any) -> Any:
        """Check the member names before the values."""
        if isinstance(data, dict):
            unknown = sorted(str(name) for name in data if name not in self.fields)
            if unknown:
                raise serializers.ValidationError({name[:100]: ["Unknown member."] for name in unknown[:20]})
        return super().to_internal_value(data)


class RequirementBody(StrictSerializer):
    """What is asked of a person."""

    level = serializers.ChoiceField(choices=[Level.AAL1.value, Level.AAL2.value, Level.AAL3.value], required=False)
    max_age = serializers.IntegerField(
        min_value=1, max_value=MAX_AGE_LIMIT, required=False, allow_null=True, help_text="Seconds."
    )
    phishing_resistant = serializers.BooleanField(required=False)
    device_bound = serializers.BooleanField(required=False)
    scope = serializers.ChoiceField(choices=[one.value for one in Scope], required=False)
    approvals = serializers.IntegerField(min_value=0, max_value=MAX_APPROVALS, required=False)


class TenantBody(StrictSerializer):
    """A tenant to create or replace."""

    name = serializers.CharField(max_length=MAX_TEXT)
    status = serializers.ChoiceField(choices=TenantStatus.choices, default=TenantStatus.ACTIVE.value)
    settings = serializers.DictField(child=serializers.JSONField(), required=False)


class TenantAnswer(serializers.Serializer[Any]):
    """A tenant."""

    id = serializers.UUIDField()
    slug = serializers.CharField()
    name = serializers.CharField()
    status = serializers.CharField(help_text="Active, suspended or closed.")
    settings = serializers.DictField(child=serializers.JSONField())


class TenantPage(serializers.Serializer[Any]):
    """A page of tenants; ``next`` goes into ``after``."""

    items = TenantAnswer(many=True)
    next = serializers.CharField(allow_null=True)


class MemberBody(StrictSerializer):
    """A member to create or replace."""

    roles = serializers.ListField(child=serializers.CharField(max_length=100), max_length=MAX_LIST)
    display_name = serializers.CharField(max_length=MAX_TEXT, allow_blank=True, default="")
    active = serializers.BooleanField(default=True)


class MemberAnswer(serializers.Serializer[Any]):
    """A member."""

    subject_type = serializers.CharField()
    subject_id = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    display_name = serializers.CharField(allow_blank=True)
    active = serializers.BooleanField()


class MemberPage(serializers.Serializer[Any]):
    """A page of members; ``next`` goes into ``after``."""

    items = MemberAnswer(many=True)
    next = serializers.CharField(allow_null=True)


class RoleBody(StrictSerializer):
    """A role to create or replace; of a built-in one, what the tenant adds to it."""

    privileges = serializers.ListField(child=serializers.CharField(max_length=100), max_length=MAX_LIST)
    requirement = RequirementBody(required=False, allow_null=True, default=None)


class RoleAnswer(serializers.Serializer[Any]):
    """A role as it stands: built in, of the catalogue, and of the tenant."""

    key = serializers.CharField()
    privileges = serializers.ListField(child=serializers.CharField())
    requirement = RequirementBody(allow_null=True)
    is_built_in = serializers.BooleanField()


class RolePage(serializers.Serializer[Any]):
    """All roles; ``next`` is always null."""

    items = RoleAnswer(many=True)
    next = serializers.CharField(allow_null=True)


class EnvironmentBody(StrictSerializer):
    """An environment by the tenant's own name."""

    name = serializers.CharField(max_length=100)
    sensitivity = serializers.ChoiceField(choices=[one.value for one in EnvironmentSensitivity])


class EnvironmentsBody(StrictSerializer):
    """All environments that a tenant shall have; none: the three by their own names."""

    items = serializers.ListField(child=EnvironmentBody(), max_length=MAX_ENVIRONMENTS)


class EnvironmentsPage(serializers.Serializer[Any]):
    """All environments that a tenant declares; ``next`` is always null."""

    items = EnvironmentBody(many=True)
    next = serializers.CharField(allow_null=True)


class SubscriptionBody(StrictSerializer):
    """The plan that a tenant shall be on."""

    plan = serializers.CharField(max_length=100)
    version = serializers.IntegerField(min_value=1, max_value=_MAX_VERSION, required=False, allow_null=True)
    status = serializers.ChoiceField(choices=SubscriptionStatus.choices, default=SubscriptionStatus.ACTIVE.value)
    active_from = serializers.DateTimeField(required=False, allow_null=True, help_text="Inclusive; now if left out.")
    active_to = serializers.DateTimeField(required=False, allow_null=True, help_text="Exclusive; open if left out.")
    add_ons = serializers.ListField(child=serializers.CharField(max_length=100), max_length=MAX_LIST, default=list)
    take_over = serializers.BooleanField(
        default=False, help_text="Also where billing manages the subscription, and may put it back."
    )


class HeldAddOn(serializers.Serializer[Any]):
    """An add-on held."""

    key = serializers.CharField()
    version = serializers.IntegerField()


class SubscriptionAnswer(serializers.Serializer[Any]):
    """A subscription. ``snapshot`` can be sent as ``context.min_snapshot`` of an evaluation."""

    plan = serializers.CharField()
    version = serializers.IntegerField()
    status = serializers.CharField(help_text="Trialing, active, past_due, paused or canceled.")
    active_from = serializers.DateTimeField()
    active_to = serializers.DateTimeField(allow_null=True)
    add_ons = HeldAddOn(many=True)
    managed_by = serializers.CharField(allow_blank=True, help_text="`stripe`, or blank: the vendor's own people.")
    external_id = serializers.CharField(allow_blank=True, help_text="Its id at whoever manages it.")
    current_period_start = serializers.DateTimeField(allow_null=True)
    current_period_end = serializers.DateTimeField(allow_null=True)
    trial_ends_at = serializers.DateTimeField(allow_null=True)
    cancel_at = serializers.DateTimeField(allow_null=True)
    grace_until = serializers.DateTimeField(allow_null=True, help_text="While past due: when the terms end.")
    snapshot = serializers.CharField()


class OverrideBody(StrictSerializer):
    """What is agreed with one tenant about one feature."""

    effect = serializers.ChoiceField(choices=[one.value for one in OverrideEffect])
    value = serializers.JSONField(required=False, allow_null=True, default=None)
    limit = serializers.IntegerField(min_value=0, max_value=MAX_LIMIT, required=False, allow_null=True, default=None)
    unlimited = serializers.BooleanField(default=False)
    reset_period = serializers.ChoiceField(
        choices=[one.value for one in ResetPeriod], required=False, allow_null=True, default=None
    )
    requirement = RequirementBody(required=False, allow_null=True, default=None)
    reason = serializers.CharField(max_length=MAX_TEXT)
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


class OverrideAnswer(serializers.Serializer[Any]):
    """An override."""

    feature = serializers.CharField()
    effect = serializers.ChoiceField(choices=[one.value for one in OverrideEffect])
    value = serializers.JSONField(allow_null=True)
    limit = serializers.IntegerField(allow_null=True)
    unlimited = serializers.BooleanField()
    reset_period = serializers.CharField(allow_null=True)
    requirement = RequirementBody(allow_null=True)
    reason = serializers.CharField()
    by = serializers.CharField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True)


class OverridePage(serializers.Serializer[Any]):
    """A page of overrides; ``next`` goes into ``after``."""

    items = OverrideAnswer(many=True)
    next = serializers.CharField(allow_null=True)


class ContributionAnswer(serializers.Serializer[Any]):
    """One source's part in what is asked."""

    source = serializers.CharField()  # type: ignore[assignment]  # declared fields are taken off the class
    requirement = RequirementBody()
    because = serializers.CharField(allow_blank=True)


class EntitlementAnswer(serializers.Serializer[Any]):
    """What a tenant may use of one feature, and what that asks."""

    feature = serializers.CharField()
    kind = serializers.ChoiceField(choices=[one.value for one in FeatureKind])
    sensitivity = serializers.ChoiceField(choices=[one.value for one in Sensitivity])
    is_granted = serializers.BooleanField()
    value = serializers.JSONField(allow_null=True)
    limit = serializers.IntegerField(allow_null=True)
    unlimited = serializers.BooleanField()
    reset_period = serializers.CharField(allow_null=True)
    requirement = RequirementBody(allow_null=True, help_text="All contributions joined.")
    contributions = ContributionAnswer(many=True)
    sources = serializers.ListField(child=serializers.CharField())
    next_change_at = serializers.DateTimeField(allow_null=True)
    because = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="With `at`: what made it so, in sentences."
    )


class EntitlementsAnswer(serializers.Serializer[Any]):
    """What a tenant may use at an instant."""

    tenant = serializers.CharField()
    as_of = serializers.DateTimeField()
    snapshot = serializers.CharField(allow_null=True, help_text="Null for an instant that is past.")
    next_change_at = serializers.DateTimeField(allow_null=True)
    is_from_before = serializers.BooleanField(
        required=False, help_text="With `at`: some of it stood when the history began; of before, nothing is known."
    )
    items = EntitlementAnswer(many=True)


class CatalogueAnswer(serializers.Serializer[Any]):
    """The catalogue; ``policy_version`` names its content."""

    policy_version = serializers.CharField()
    features = serializers.ListField(child=serializers.DictField(child=serializers.JSONField(allow_null=True)))
    actions = serializers.ListField(child=serializers.DictField(child=serializers.JSONField(allow_null=True)))
    roles = serializers.ListField(child=serializers.DictField(child=serializers.JSONField(allow_null=True)))
    scopes = serializers.ListField(child=serializers.DictField(child=serializers.JSONField(allow_null=True)))
    plans = serializers.ListField(child=serializers.DictField(child=serializers.JSONField(allow_null=True)))
    add_ons = serializers.ListField(child=serializers.DictField(child=serializers.JSONField(allow_null=True)))
