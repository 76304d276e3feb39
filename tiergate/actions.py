"""Tiergate's own actions, which no tier can remove."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from tiergate.catalogue import ActionSpec, CallerKind
from tiergate.levels import Level
from tiergate.requirements import Requirement, Scope

OWN_PREFIX = "tiergate."
OWN_RESOURCE_TYPE = "tiergate"


class Verb(StrEnum):
    """What a service credential may do, and what a role may grant of Tiergate's own."""

    SELF = "self"
    ACCESS_EVALUATE = "access.evaluate"
    SESSIONS_ASSERT = "sessions.assert"
    STEP_UP_CREATE = "step_up.create"
    STEP_UP_RELAY = "step_up.relay"
    TOKENS_INTROSPECT = "tokens.introspect"
    TENANTS_READ = "tenants.read"
    TENANTS_WRITE = "tenants.write"
    MEMBERS_READ = "members.read"
    MEMBERS_WRITE = "members.write"
    ROLES_READ = "roles.read"
    ROLES_WRITE = "roles.write"
    SUBSCRIPTION_READ = "subscription.read"
    SUBSCRIPTION_WRITE = "subscription.write"
    OVERRIDES_READ = "overrides.read"
    OVERRIDES_WRITE = "overrides.write"
    ENTITLEMENTS_READ = "entitlements.read"
    USAGE_READ = "usage.read"
    USAGE_WRITE = "usage.write"
    CATALOG_READ = "catalog.read"
    CATALOG_WRITE = "catalog.write"
    ENVIRONMENTS_READ = "environments.read"
    ENVIRONMENTS_WRITE = "environments.write"
    POLICY_READ = "policy.read"
    POLICY_WRITE = "policy.write"
    MEMBERS_UNLOCK = "members.unlock"
    RISK_READ = "risk.read"
    RISK_WRITE = "risk.write"
    RISK_SIGNAL = "risk.signal"
    RISK_FEEDBACK = "risk.feedback"
    AUDIT_READ = "audit.read"
    OPERATOR_ADMIN = "operator.admin"
    SUPPORT_IMPERSONATE = "support.impersonate"
    IMPERSONATIONS_READ = "impersonations.read"
    IMPERSONATIONS_END = "impersonations.end"
    BILLING_READ = "billing.read"
    BILLING_MANAGE = "billing.manage"
    WEBHOOKS_READ = "webhooks.read"
    WEBHOOKS_WRITE = "webhooks.write"
    BUNDLES_READ = "bundles.read"
    BUNDLES_WRITE = "bundles.write"
    BUNDLES_APPLY = "bundles.apply"


class Action(StrEnum):
    """The actions of Tiergate itself, protected by the same decision as a product's."""

    ACCESS_EVALUATE = "tiergate.access.evaluate"
    SESSION_ASSERT = "tiergate.session.assert"
    SESSION_END = "tiergate.session.end"
    SELF_READ = "tiergate.self.read"
    SESSIONS_MANAGE = "tiergate.sessions.manage"
    FACTORS_MANAGE = "tiergate.factors.manage"
    FACTORS_RECOVER = "tiergate.factors.recover"
    FACTORS_RELAY = "tiergate.factors.relay"
    CHALLENGE_CREATE = "tiergate.challenge.create"
    ELEVATION_END = "tiergate.elevation.end"
    TOKEN_ISSUE = "tiergate.token.issue"  # noqa: S105 - the name of an action
    TOKEN_REVOKE = "tiergate.token.revoke"  # noqa: S105 - the name of an action
    TOKEN_INTROSPECT = "tiergate.token.introspect"  # noqa: S105 - the name of an action
    APPROVAL_READ = "tiergate.approval.read"
    APPROVAL_GRANT = "tiergate.approval.grant"
    APPROVAL_REFUSE = "tiergate.approval.refuse"
    TENANT_LIST = "tiergate.tenant.list"
    TENANT_READ = "tiergate.tenant.read"
    TENANT_WRITE = "tiergate.tenant.write"
    MEMBER_READ = "tiergate.member.read"
    MEMBER_WRITE = "tiergate.member.write"
    MEMBER_UNLOCK = "tiergate.member.unlock"
    ROLE_READ = "tiergate.role.read"
    ROLE_WRITE = "tiergate.role.write"
    SUBSCRIPTION_READ = "tiergate.subscription.read"
    SUBSCRIPTION_WRITE = "tiergate.subscription.write"
    OVERRIDE_READ = "tiergate.override.read"
    OVERRIDE_WRITE = "tiergate.override.write"
    ENTITLEMENTS_READ = "tiergate.entitlements.read"
    USAGE_READ = "tiergate.usage.read"
    USAGE_WRITE = "tiergate.usage.write"
    CATALOG_READ = "tiergate.catalog.read"
    PLAN_READ = "tiergate.plan.read"
    PLAN_WRITE = "tiergate.plan.write"
    ENVIRONMENT_READ = "tiergate.environment.read"
    ENVIRONMENT_WRITE = "tiergate.environment.write"
    POLICY_READ = "tiergate.policy.read"
    POLICY_WRITE = "tiergate.policy.write"
    RISK_READ = "tiergate.risk.read"
    RISK_WRITE = "tiergate.risk.write"
    RISK_SIGNAL = "tiergate.risk.signal"
    RISK_FEEDBACK = "tiergate.risk.feedback"
    AUDIT_READ = "tiergate.audit.read"
    OPERATOR_ADMIN = "tiergate.operator.admin"
    IMPERSONATION_START = "tiergate.impersonation.start"
    IMPERSONATION_READ = "tiergate.impersonation.read"
    IMPERSONATION_END = "tiergate.impersonation.end"
    BILLING_READ = "tiergate.billing.read"
    BILLING_MANAGE = "tiergate.billing.manage"
    WEBHOOK_READ = "tiergate.webhook.read"
    WEBHOOK_WRITE = "tiergate.webhook.write"
    BUNDLE_READ = "tiergate.bundle.read"
    BUNDLE_WRITE = "tiergate.bundle.write"
    BUNDLE_APPLY = "tiergate.bundle.apply"


_BOTH = (CallerKind.PERSON, CallerKind.SERVICE)
_PERSON = (CallerKind.PERSON,)
_SERVICE = (CallerKind.SERVICE,)
_AAL2 = Requirement(level=Level.AAL2, max_age=3600)
_AAL2_JUST_NOW = Requirement(level=Level.AAL2, max_age=900)
# A session fresh from sign-in may manage factors; decide() adds the highest level that the person can reach.
_RECENT = Requirement(level=Level.AAL1, max_age=900)


def _own(
    name: Action,
    privilege: Verb,
    title: str,
    *,
    callers: tuple[CallerKind, ...] = _BOTH,
    requirement: Requirement | None = None,
    needs_highest_held: bool = False,
    is_vendor_only: bool = False,
    binds: tuple[str, ...] = (),
) -> ActionSpec:
    return ActionSpec(
        name=name.value,
        resource_type=OWN_RESOURCE_TYPE,
        privilege=privilege.value,
        title=title,
        callers=callers,
        requirement=requirement,
        needs_highest_held=needs_highest_held,
        is_vendor_only=is_vendor_only,
        binds=binds,
    )


BUILTIN_ACTIONS: Mapping[str, ActionSpec] = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            _own(
                Action.ACCESS_EVALUATE,
                Verb.ACCESS_EVALUATE,
                "Ask for a decision",
                callers=_SERVICE,
            ),
            _own(
                Action.SESSION_ASSERT,
                Verb.SESSIONS_ASSERT,
                "Vouch for a signed-in person",
                callers=_SERVICE,
            ),
            _own(
                Action.SESSION_END,
                Verb.SESSIONS_ASSERT,
                "End a session",
                callers=_SERVICE,
            ),
            _own(Action.SELF_READ, Verb.SELF, "See who one is", callers=_PERSON),
            # Whoever fears for their account ends its sessions at once, whatever they can still show.
            _own(Action.SESSIONS_MANAGE, Verb.SELF, "End one's own sessions", callers=_PERSON),
            _own(
                Action.FACTORS_MANAGE,
                Verb.SELF,
                "Change sign-in factors",
                callers=_PERSON,
                requirement=_RECENT,
                needs_highest_held=True,
            ),
            # Whoever lost a factor cannot show it: what the replacement leads to is capped instead.
            _own(
                Action.FACTORS_RECOVER,
                Verb.SELF,
                "Replace a lost factor by a recovery code",
                callers=_PERSON,
                requirement=_RECENT,
            ),
            _own(Action.FACTORS_RELAY, Verb.STEP_UP_RELAY, "Pass on a person's enrolment", callers=_SERVICE),
            _own(Action.CHALLENGE_CREATE, Verb.STEP_UP_CREATE, "Begin a step-up"),
            _own(Action.ELEVATION_END, Verb.STEP_UP_CREATE, "End a task"),
            _own(Action.TOKEN_ISSUE, Verb.STEP_UP_CREATE, "Take a token out of a step-up"),
            _own(Action.TOKEN_REVOKE, Verb.STEP_UP_CREATE, "Give a token back"),
            _own(
                Action.TOKEN_INTROSPECT, Verb.TOKENS_INTROSPECT, "Ask whether a token is still good", callers=_SERVICE
            ),
            _own(Action.APPROVAL_READ, Verb.SELF, "See what waits for one's agreement", callers=_PERSON),
            # What the approved action itself asks comes on top, from the approval.
            _own(
                Action.APPROVAL_GRANT,
                Verb.SELF,
                "Agree to what somebody else asked for",
                callers=_PERSON,
                requirement=Requirement(level=Level.AAL2, scope=Scope.TRANSACTION),
                binds=(
                    "resource.properties.action",
                    "resource.properties.resource",
                    "resource.properties.details",
                    "resource.properties.asked_by",
                    "resource.properties.request",
                ),
            ),
            _own(Action.APPROVAL_REFUSE, Verb.SELF, "Refuse what somebody else asked for", callers=_PERSON),
            _own(Action.TENANT_LIST, Verb.TENANTS_READ, "List the tenants", is_vendor_only=True),
            _own(Action.TENANT_READ, Verb.TENANTS_READ, "See the tenant"),
            _own(
                Action.TENANT_WRITE,
                Verb.TENANTS_WRITE,
                "Change the tenant",
                requirement=_AAL2,
                is_vendor_only=True,
            ),
            _own(Action.MEMBER_READ, Verb.MEMBERS_READ, "See the members"),
            _own(
                Action.MEMBER_WRITE,
                Verb.MEMBERS_WRITE,
                "Change the members",
                requirement=_AAL2,
            ),
            _own(
                Action.MEMBER_UNLOCK,
                Verb.MEMBERS_UNLOCK,
                "End a member's pause after wrong codes",
                callers=_PERSON,
                requirement=_AAL2,
            ),
            _own(Action.ROLE_READ, Verb.ROLES_READ, "See the roles"),
            _own(
                Action.ROLE_WRITE,
                Verb.ROLES_WRITE,
                "Change the roles",
                requirement=_AAL2,
            ),
            _own(Action.SUBSCRIPTION_READ, Verb.SUBSCRIPTION_READ, "See the subscription"),
            _own(
                Action.SUBSCRIPTION_WRITE,
                Verb.SUBSCRIPTION_WRITE,
                "Change the subscription",
                requirement=_AAL2,
                is_vendor_only=True,
            ),
            _own(Action.OVERRIDE_READ, Verb.OVERRIDES_READ, "See the overrides"),
            _own(
                Action.OVERRIDE_WRITE,
                Verb.OVERRIDES_WRITE,
                "Change the overrides",
                requirement=_AAL2,
                is_vendor_only=True,
            ),
            _own(Action.ENTITLEMENTS_READ, Verb.ENTITLEMENTS_READ, "See the entitlements"),
            _own(Action.USAGE_READ, Verb.USAGE_READ, "See what is used"),
            # Only the product knows what was used.
            _own(Action.USAGE_WRITE, Verb.USAGE_WRITE, "Count what is used", callers=_SERVICE, requirement=_AAL2),
            _own(Action.CATALOG_READ, Verb.CATALOG_READ, "See the catalogue"),
            # Drafts are nobody's to see before they are sold.
            _own(Action.PLAN_READ, Verb.CATALOG_READ, "See plans' drafts and versions", is_vendor_only=True),
            _own(
                Action.PLAN_WRITE,
                Verb.CATALOG_WRITE,
                "Change what plans say, and move tenants between versions",
                requirement=_AAL2,
                is_vendor_only=True,
            ),
            _own(Action.ENVIRONMENT_READ, Verb.ENVIRONMENTS_READ, "See the environments"),
            _own(
                Action.ENVIRONMENT_WRITE,
                Verb.ENVIRONMENTS_WRITE,
                "Change the environments",
                requirement=_AAL2,
            ),
            _own(Action.POLICY_READ, Verb.POLICY_READ, "See the step-up policy"),
            _own(
                Action.POLICY_WRITE,
                Verb.POLICY_WRITE,
                "Change the step-up policy",
                requirement=_AAL2,
            ),
            _own(Action.RISK_READ, Verb.RISK_READ, "See the risk policy"),
            # Less may be asked of everybody after it.
            _own(Action.RISK_WRITE, Verb.RISK_WRITE, "Change the risk policy", requirement=_AAL2),
            _own(Action.RISK_SIGNAL, Verb.RISK_SIGNAL, "Tell how people look", callers=_SERVICE),
            # What is said to be one's own is asked no more: it weighs like a factor.
            _own(
                Action.RISK_FEEDBACK,
                Verb.RISK_FEEDBACK,
                "Say whether a sign-in was one's own",
                requirement=_RECENT,
                needs_highest_held=True,
            ),
            _own(Action.AUDIT_READ, Verb.AUDIT_READ, "Read the trail", requirement=_AAL2),
            _own(
                Action.OPERATOR_ADMIN,
                Verb.OPERATOR_ADMIN,
                "Operate Tiergate",
                callers=_PERSON,
                requirement=_AAL2,
                is_vendor_only=True,
            ),
            _own(
                Action.IMPERSONATION_START,
                Verb.SUPPORT_IMPERSONATE,
                "Act as somebody, for support",
                callers=_PERSON,
                requirement=_AAL2_JUST_NOW,
                is_vendor_only=True,
            ),
            _own(Action.IMPERSONATION_READ, Verb.IMPERSONATIONS_READ, "See who acted as whom"),
            _own(Action.IMPERSONATION_END, Verb.IMPERSONATIONS_END, "End an impersonation"),
            _own(Action.BILLING_READ, Verb.BILLING_READ, "See what is paid for"),
            # What is bought may ask more of everybody: moving up is confirmed like any change of who may do what.
            _own(Action.BILLING_MANAGE, Verb.BILLING_MANAGE, "Change what is paid for", requirement=_AAL2),
            _own(Action.WEBHOOK_READ, Verb.WEBHOOKS_READ, "See what is sent to the vendor", is_vendor_only=True),
            _own(
                Action.WEBHOOK_WRITE,
                Verb.WEBHOOKS_WRITE,
                "Change what is sent to the vendor",
                requirement=_AAL2,
                is_vendor_only=True,
            ),
            # Rules say where less is asked, and a plan's report what was decided of whom.
            _own(
                Action.BUNDLE_READ,
                Verb.BUNDLES_READ,
                "See the rules, and what they would do",
                requirement=_AAL2,
                is_vendor_only=True,
            ),
            _own(
                Action.BUNDLE_WRITE,
                Verb.BUNDLES_WRITE,
                "Store rules, and try them on what was decided",
                requirement=_AAL2,
                is_vendor_only=True,
            ),
            # What everybody is asked changes with it: each change is confirmed by itself, as a whole.
            _own(
                Action.BUNDLE_APPLY,
                Verb.BUNDLES_APPLY,
                "Change which rules are in force",
                requirement=Requirement(level=Level.AAL2, max_age=900, scope=Scope.TRANSACTION),
                is_vendor_only=True,
                binds=(
                    "resource.properties.mode",
                    "resource.properties.digest",
                    "resource.properties.tenants",
                    "resource.properties.percent",
                    "resource.properties.gives_up",
                    "resource.properties.because",
                ),
            ),
        )
    },
)

# What every active member may do with their own session, whatever their roles.
IMPLICIT_PRIVILEGES: frozenset[str] = frozenset({Verb.SELF, Verb.STEP_UP_CREATE, Verb.RISK_FEEDBACK})


def is_everybodys(action: ActionSpec | None) -> bool:
    """Say whether every member may do this with their own session, whatever their roles and the rules.

    Nobody grants it, so nobody asks anything of it: a step-up that needs a step-up to begin could never begin.
    """
    return action is not None and action.name in BUILTIN_ACTIONS and action.privilege in IMPLICIT_PRIVILEGES


# What an impersonated session may do of our own: look. Whatever is added later is refused until it is named here.
IMPERSONATED_MAY: frozenset[str] = frozenset(
    {
        Action.SELF_READ,
        Action.TENANT_READ,
        Action.MEMBER_READ,
        Action.ROLE_READ,
        Action.SUBSCRIPTION_READ,
        Action.OVERRIDE_READ,
        Action.ENTITLEMENTS_READ,
        Action.USAGE_READ,
        Action.CATALOG_READ,
        Action.ENVIRONMENT_READ,
    }
)
