"""The door: tenants, their people and roles, the catalogue, what they hold, and snapshots of it all."""

from licensing.catalog_file.mistakes import FileRefused, Mistake, Place
from licensing.catalog_file.shape import Shape, check_shape, read_schema
from licensing.catalog_file.source import Document, read_file
from licensing.catalog_file.wording import NOTHING_TO_CHANGE, change_lines
from licensing.catalogue_changes import CatalogueEdit, Change, PlanSpec, edit_catalogue
from licensing.catalogue_listing import list_features, service_privileges
from licensing.environments import list_environments, put_environments
from licensing.errors import (
    CatalogueConflict,
    FeatureNotFound,
    InvalidName,
    InvalidRange,
    InvalidSnapshotVersion,
    InvalidTerm,
    MemberNotFound,
    MigrationNotFound,
    OverrideNotFound,
    PrivilegeBeyondOwn,
    PrivilegeReserved,
    RegulatedRatchet,
    RoleNotFound,
    SnapshotBehind,
    SubscriptionManaged,
    SubscriptionNotFound,
    SubscriptionOverlap,
    TenantNotFound,
    UnknownAction,
    UnknownFeature,
    UnknownPlan,
    UnknownRole,
    VersionNotFound,
)
from licensing.held_plans import HeldPlan
from licensing.history.known import Known, entitlements_known
from licensing.holdings import TenantSnapshot
from licensing.member_facts import MEMBER_COLUMN, MemberFacts, MemberState, member_parameters, read_member
from licensing.members import Member, get_member, list_members, privileges_of_member, put_member, remove_member
from licensing.names import VENDOR_SLUG, VENDOR_TENANT_ID, split_subject
from licensing.overrides import OverrideView, forget_author, get_override, list_overrides, put_override, remove_override
from licensing.plan_content import Price
from licensing.plans.diffing import Difference, diff_versions
from licensing.plans.drafts import begin_draft, discard_draft, edit_draft, publish_version, retire_version
from licensing.plans.effects import Effect, effect_of, effect_sentences
from licensing.plans.migrating import get_migration, preview_migration, run_migration
from licensing.plans.versions import VersionRef, VersionView, get_version, list_versions
from licensing.priced import PricedVersion, list_priced_versions
from licensing.push import RESET, is_listening, publish, stop_listening, subscribe
from licensing.roles import RoleSpec, RoleView, get_role, list_roles, put_role
from licensing.settling import settle_subscription
from licensing.snapshots import (
    SnapshotMemory,
    entitlements_at,
    forget_snapshots,
    get_snapshot,
    snapshot_at,
    snapshot_memory,
    snapshot_version,
)
from licensing.subscription_rows import Subscription
from licensing.subscriptions import get_subscription, list_subscriptions, put_subscription
from licensing.tenants import Tenant, find_tenant_id, forget_tenants, get_tenant, list_tenants, put_tenant

__all__ = [
    "MEMBER_COLUMN",
    "NOTHING_TO_CHANGE",
    "RESET",
    "VENDOR_SLUG",
    "VENDOR_TENANT_ID",
    "CatalogueConflict",
    "CatalogueEdit",
    "Change",
    "Difference",
    "Document",
    "Effect",
    "FeatureNotFound",
    "FileRefused",
    "HeldPlan",
    "InvalidName",
    "InvalidRange",
    "InvalidSnapshotVersion",
    "InvalidTerm",
    "Known",
    "Member",
    "MemberFacts",
    "MemberNotFound",
    "MemberState",
    "MigrationNotFound",
    "Mistake",
    "OverrideNotFound",
    "OverrideView",
    "Place",
    "PlanSpec",
    "Price",
    "PricedVersion",
    "PrivilegeBeyondOwn",
    "PrivilegeReserved",
    "RegulatedRatchet",
    "RoleNotFound",
    "RoleSpec",
    "RoleView",
    "Shape",
    "SnapshotBehind",
    "SnapshotMemory",
    "Subscription",
    "SubscriptionManaged",
    "SubscriptionNotFound",
    "SubscriptionOverlap",
    "Tenant",
    "TenantNotFound",
    "TenantSnapshot",
    "UnknownAction",
    "UnknownFeature",
    "UnknownPlan",
    "UnknownRole",
    "VersionNotFound",
    "VersionRef",
    "VersionView",
    "begin_draft",
    "change_lines",
    "check_shape",
    "diff_versions",
    "discard_draft",
    "edit_catalogue",
    "edit_draft",
    "effect_of",
    "effect_sentences",
    "entitlements_at",
    "entitlements_known",
    "find_tenant_id",
    "forget_author",
    "forget_snapshots",
    "forget_tenants",
    "get_member",
    "get_migration",
    "get_override",
    "get_role",
    "get_snapshot",
    "get_subscription",
    "get_tenant",
    "get_version",
    "is_listening",
    "list_environments",
    "list_features",
    "list_members",
    "list_overrides",
    "list_priced_versions",
    "list_roles",
    "list_subscriptions",
    "list_tenants",
    "list_versions",
    "member_parameters",
    "preview_migration",
    "privileges_of_member",
    "publish",
    "publish_version",
    "put_environments",
    "put_member",
    "put_override",
    "put_role",
    "put_subscription",
    "put_tenant",
    "read_file",
    "read_member",
    "read_schema",
    "remove_member",
    "remove_override",
    "retire_version",
    "run_migration",
    "service_privileges",
    "settle_subscription",
    "snapshot_at",
    "snapshot_memory",
    "snapshot_version",
    "split_subject",
    "stop_listening",
    "subscribe",
]
