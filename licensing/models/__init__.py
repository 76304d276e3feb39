"""The room's tables, private to it; other rooms come in by ``licensing.api``."""

from licensing.models.catalogue import (
    Action,
    Feature,
    Plan,
    PlanTerm,
    PlanVersion,
    RoleDefault,
    TokenScope,
    TokenScopeAction,
)
from licensing.models.directory import Generation, Tenant
from licensing.models.environments import Environment
from licensing.models.history import CatalogueHistory, History
from licensing.models.holdings import (
    Override,
    RequirementFloor,
    Subscription,
    SubscriptionAddOn,
)
from licensing.models.invitations import Invitation
from licensing.models.moving import PlanMigration, PlanMigrationTenant
from licensing.models.outbox import OutboxEvent, ToldStanding
from licensing.models.pending import PendingChange, TrialUse
from licensing.models.people import Member, Role
from licensing.models.usage import UsageCounter, UsageEntry
from licensing.models.webhooks import WebhookDelivery, WebhookEndpoint

__all__ = [
    "Action",
    "CatalogueHistory",
    "Environment",
    "Feature",
    "Generation",
    "History",
    "Invitation",
    "Member",
    "OutboxEvent",
    "Override",
    "PendingChange",
    "Plan",
    "PlanMigration",
    "PlanMigrationTenant",
    "PlanTerm",
    "PlanVersion",
    "RequirementFloor",
    "Role",
    "RoleDefault",
    "Subscription",
    "SubscriptionAddOn",
    "Tenant",
    "TokenScope",
    "TokenScopeAction",
    "ToldStanding",
    "TrialUse",
    "UsageCounter",
    "UsageEntry",
    "WebhookDelivery",
    "WebhookEndpoint",
]
