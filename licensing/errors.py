"""What this room refuses, each with the code that programs read."""

from tiergate import ErrorKind, TiergateError


class InvalidName(TiergateError):
    """A slug, key, subject or other text that cannot be a name here."""

    code = "invalid_name"
    kind = ErrorKind.INVALID


class InvalidTerm(TiergateError):
    """A value that does not fit the kind of its feature, or cannot be stored."""

    code = "invalid_term"
    kind = ErrorKind.INVALID


class InvalidRange(TiergateError):
    """A range of time that is empty, or an instant without a zone."""

    code = "invalid_range"
    kind = ErrorKind.INVALID


class TenantNotFound(TiergateError):
    """There is no such tenant."""

    code = "tenant_not_found"
    kind = ErrorKind.NOT_FOUND


class MemberNotFound(TiergateError):
    """The tenant has no such member."""

    code = "member_not_found"
    kind = ErrorKind.NOT_FOUND


class RoleNotFound(TiergateError):
    """The tenant has no such role."""

    code = "role_not_found"
    kind = ErrorKind.NOT_FOUND


class UnknownRole(TiergateError):
    """A role was named that does not exist for this tenant."""

    code = "unknown_role"
    kind = ErrorKind.INVALID


class PrivilegeReserved(TiergateError):
    """A privilege that only the vendor's own staff and credentials may hold."""

    code = "privilege_reserved"
    kind = ErrorKind.INVALID


class PrivilegeBeyondOwn(TiergateError):
    """Nobody grants, or takes from another, a privilege that they do not hold themselves."""

    code = "privilege_beyond_own"
    kind = ErrorKind.FORBIDDEN


class UnknownAction(TiergateError):
    """An action was named that the catalogue does not have."""

    code = "unknown_action"
    kind = ErrorKind.INVALID


class UnknownPlan(TiergateError):
    """No such plan, add-on or published version is for sale."""

    code = "unknown_plan"
    kind = ErrorKind.INVALID


class VersionNotFound(TiergateError):
    """No plan or add-on has such a version."""

    code = "version_not_found"
    kind = ErrorKind.NOT_FOUND


class MigrationNotFound(TiergateError):
    """No preview of this digest was made: what it would have shown is not known."""

    code = "migration_not_found"
    kind = ErrorKind.NOT_FOUND


class TrialUsed(TiergateError):
    """The tenant, its domain or its card has tried the plan already."""

    code = "trial_used"
    kind = ErrorKind.CONFLICT


class ChangePending(TiergateError):
    """Another change of the subscription is scheduled already."""

    code = "change_pending"
    kind = ErrorKind.CONFLICT


class ChangeNotFound(TiergateError):
    """No change of the subscription is scheduled."""

    code = "change_not_found"
    kind = ErrorKind.NOT_FOUND


class FeatureNotFound(TiergateError):
    """The catalogue has no such feature."""

    code = "feature_not_found"
    kind = ErrorKind.NOT_FOUND


class UnknownFeature(TiergateError):
    """A feature was named that the catalogue does not have."""

    code = "unknown_feature"
    kind = ErrorKind.INVALID


class CatalogueConflict(TiergateError):
    """The catalogue cannot be changed so, because something else stands on it."""

    code = "catalogue_conflict"
    kind = ErrorKind.CONFLICT


class SubscriptionNotFound(TiergateError):
    """The tenant has no subscription at this instant."""

    code = "subscription_not_found"
    kind = ErrorKind.NOT_FOUND


class SubscriptionOverlap(TiergateError):
    """Another subscription of the tenant covers part of the same time."""

    code = "subscription_overlap"
    kind = ErrorKind.CONFLICT


class SubscriptionManaged(TiergateError):
    """Billing manages what the tenant is on, and would put back what is written over it."""

    code = "subscription_managed"
    kind = ErrorKind.CONFLICT


class OverrideNotFound(TiergateError):
    """The tenant has no override of this feature."""

    code = "override_not_found"
    kind = ErrorKind.NOT_FOUND


class RegulatedRatchet(TiergateError):
    """What a regulated feature asks may be raised for a tenant and never lowered."""

    code = "regulated_ratchet"
    kind = ErrorKind.CONFLICT


class SnapshotBehind(TiergateError):
    """The caller has seen a newer state than can be read here yet."""

    code = "snapshot_behind"
    kind = ErrorKind.UNAVAILABLE


class InvalidSnapshotVersion(TiergateError):
    """A text that is no snapshot's version."""

    code = "invalid_snapshot_version"
    kind = ErrorKind.INVALID
