"""The door: tenants, their people and roles, the catalogue, what they hold, and snapshots of it all."""

from licensing.catalog_file.mistakes import FileRefused, Mistake, Place
from licensing.catalog_file.shape import Shape, check_shape, read_schema
from licensing.catalog_file.source import Document, read_file
from licensing.catalog_file.wording import NOTHING_TO_CHANGE, change_lines
from licensing.catalogue_changes import CatalogueEdit, Change, PlanSpec, Price, edit_catalogue
from licensing.errors import (
    CatalogueConflict,
    FeatureNotFound,
    InvalidName,
    InvalidRange,
    InvalidSnapshotVersion,
    InvalidTerm,
    MemberNotFound,
    OverrideNotFound,
    PrivilegeReserved,
    RegulatedRatchet,
    RoleNotFound,
    SnapshotBehind,
    SubscriptionNotFound,
    SubscriptionOverlap,
    TenantNotFound,
    UnknownFeature,
    UnknownPlan,
    UnknownRole,
)
from licensing.holdings import TenantSnapshot
from licensing.members import Member, get_member, list_members, put_member, remove_member
from licensing.names import VENDOR_SLUG, VENDOR_TENANT_ID, split_subject
from licensing.overrides import OverrideView, get_override, list_overrides, put_override, remove_override
from licensing.push import RESET, is_listening, publish, stop_listening, subscribe
from licensing.roles import RoleSpec, RoleView, get_role, list_roles, put_role
from licensing.snapshots import entitlements_at, forget_snapshots, get_snapshot, snapshot_at, snapshot_version
from licensing.subscriptions import Subscription, get_subscription, list_subscriptions, put_subscription
from licensing.tenants import Tenant, get_tenant, list_tenants, put_tenant

__all__ = [
    "NOTHING_TO_CHANGE",
    "RESET",
    "VENDOR_SLUG",
    "VENDOR_TENANT_ID",
    "CatalogueConflict",
    "CatalogueEdit",
    "Change",
    "Document",
    "FeatureNotFound",
    "FileRefused",
    "InvalidName",
    "InvalidRange",
    "InvalidSnapshotVersion",
    "InvalidTerm",
    "Member",
    "MemberNotFound",
    "Mistake",
    "OverrideNotFound",
    "OverrideView",
    "Place",
    "PlanSpec",
    "Price",
    "PrivilegeReserved",
    "RegulatedRatchet",
    "RoleNotFound",
    "RoleSpec",
    "RoleView",
    "Shape",
    "SnapshotBehind",
    "Subscription",
    "SubscriptionNotFound",
    "SubscriptionOverlap",
    "Tenant",
    "TenantNotFound",
    "TenantSnapshot",
    "UnknownFeature",
    "UnknownPlan",
    "UnknownRole",
    "change_lines",
    "check_shape",
    "edit_catalogue",
    "entitlements_at",
    "forget_snapshots",
    "get_member",
    "get_override",
    "get_role",
    "get_snapshot",
    "get_subscription",
    "get_tenant",
    "is_listening",
    "list_members",
    "list_overrides",
    "list_roles",
    "list_subscriptions",
    "list_tenants",
    "publish",
    "put_member",
    "put_override",
    "put_role",
    "put_subscription",
    "put_tenant",
    "read_file",
    "read_schema",
    "remove_member",
    "remove_override",
    "snapshot_at",
    "snapshot_version",
    "split_subject",
    "stop_listening",
    "subscribe",
]
