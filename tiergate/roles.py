"""The roles that every tenant starts with, and those of the vendor."""

from collections.abc import Mapping
from types import MappingProxyType

from tiergate.actions import Verb

_READ = frozenset(
    {
        Verb.TENANTS_READ,
        Verb.MEMBERS_READ,
        Verb.ROLES_READ,
        Verb.SUBSCRIPTION_READ,
        Verb.OVERRIDES_READ,
        Verb.ENTITLEMENTS_READ,
        Verb.USAGE_READ,
        Verb.CATALOG_READ,
        Verb.ENVIRONMENTS_READ,
        Verb.POLICY_READ,
        Verb.RISK_READ,
    }
)

# Overrides, and a subscription that nobody pays for, are the vendor's to give, never the tenant's to take: a tenant
# moves by what it pays, which its owners alone decide.
BUILTIN_ROLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "owner": frozenset(
            {
                *_READ,
                Verb.MEMBERS_WRITE,
                Verb.MEMBERS_UNLOCK,
                Verb.ROLES_WRITE,
                Verb.ENVIRONMENTS_WRITE,
                Verb.POLICY_WRITE,
                Verb.RISK_WRITE,
                Verb.AUDIT_READ,
                Verb.IMPERSONATIONS_READ,
                Verb.IMPERSONATIONS_END,
                Verb.BILLING_READ,
                Verb.BILLING_MANAGE,
            }
        ),
        "admin": frozenset(
            {
                *_READ,
                Verb.BILLING_READ,
                Verb.MEMBERS_WRITE,
                Verb.MEMBERS_UNLOCK,
                Verb.ROLES_WRITE,
                Verb.ENVIRONMENTS_WRITE,
                Verb.POLICY_WRITE,
                Verb.RISK_WRITE,
            }
        ),
        "member": frozenset({Verb.ENTITLEMENTS_READ, Verb.CATALOG_READ}),
        "auditor": frozenset({*_READ, Verb.AUDIT_READ, Verb.IMPERSONATIONS_READ}),
    },
)

# Only tenant zero, the vendor, has these roles.
VENDOR_ROLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "operator": frozenset(
            {
                *_READ,
                Verb.CATALOG_WRITE,
                Verb.OVERRIDES_WRITE,
                Verb.OPERATOR_ADMIN,
                Verb.AUDIT_READ,
                Verb.WEBHOOKS_READ,
                Verb.WEBHOOKS_WRITE,
                Verb.BUNDLES_READ,
                Verb.BUNDLES_WRITE,
                Verb.BUNDLES_APPLY,
            }
        ),
        "support": frozenset({Verb.SUPPORT_IMPERSONATE, Verb.IMPERSONATIONS_READ, Verb.IMPERSONATIONS_END}),
    },
)
