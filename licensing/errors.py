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


class PlanHeld(TiergateError):
    """The tenant is on a plan that it would lose."""

    code = "plan_held"
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


class DraftChanged(TiergateError):
    """Somebody has changed the draft since it was looked at."""

    code = "draft_changed"
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


class NotCounted(TiergateError):
    """A feature whose use is not counted by what is consumed: no limit, or one of what Tiergate counts itself."""

    code = "not_counted"
    kind = ErrorKind.INVALID


class InvalidQuantity(TiergateError):
    """A quantity, key or time of holding that cannot be one."""

    code = "invalid_quantity"
    kind = ErrorKind.INVALID


class NotEntitled(TiergateError):
    """The tenant may not use the feature at all; buying what ``unlocks`` lists would let it."""

    code = "not_entitled"
    kind = ErrorKind.PAYMENT_REQUIRED


class LimitReached(TiergateError):
    """More than is left of a limit; buying what ``unlocks`` lists would raise it."""

    code = "limit_reached"
    kind = ErrorKind.PAYMENT_REQUIRED


class LimitReachedForNow(LimitReached):
    """More than is left of a limit until its count starts again."""

    kind = ErrorKind.THROTTLED


class LimitReachedForGood(LimitReached):
    """More than is left of a limit, and neither waiting nor buying would help."""

    kind = ErrorKind.FORBIDDEN


class NeverEntitled(NotEntitled):
    """The tenant may not use the feature at all, and nothing on offer would let it."""

    kind = ErrorKind.FORBIDDEN


class UsageKeyReused(TiergateError):
    """The key of one use was sent again with another."""

    code = "usage_key_reused"
    kind = ErrorKind.CONFLICT


class UsageNotFound(TiergateError):
    """The tenant has no such use."""

    code = "usage_not_found"
    kind = ErrorKind.NOT_FOUND


class UsageExpired(TiergateError):
    """A reservation that was held until its time was over, and given back."""

    code = "usage_expired"
    kind = ErrorKind.CONFLICT


class UsageSettled(TiergateError):
    """A use that has come to another end already."""

    code = "usage_settled"
    kind = ErrorKind.CONFLICT


class UsageBusy(TiergateError):
    """The tenant's limits change faster than they can be read."""

    code = "usage_busy"
    kind = ErrorKind.UNAVAILABLE


class NoSeatLeft(TiergateError):
    """Every seat is taken; buying what ``unlocks`` lists would bring more."""

    code = "no_seat_left"
    kind = ErrorKind.PAYMENT_REQUIRED


class NoSeatForGood(NoSeatLeft):
    """Every seat is taken, and nothing on offer has more."""

    kind = ErrorKind.FORBIDDEN


class AlreadyInvited(TiergateError):
    """An invitation to this address is open."""

    code = "already_invited"
    kind = ErrorKind.CONFLICT


class LastOwner(TiergateError):
    """The tenant would be left without an owner."""

    code = "last_owner"
    kind = ErrorKind.CONFLICT


class AlreadyMember(TiergateError):
    """The subject has a membership of the tenant, in force or ended."""

    code = "already_member"
    kind = ErrorKind.CONFLICT


class InvitationNotFound(TiergateError):
    """There is no such invitation that is still open."""

    code = "invitation_not_found"
    kind = ErrorKind.NOT_FOUND


class InvalidEndpoint(TiergateError):
    """No URL that webhooks may be sent to, or no event that there is."""

    code = "invalid_endpoint"
    kind = ErrorKind.INVALID


class EndpointNotFound(TiergateError):
    """There is no such endpoint for webhooks."""

    code = "endpoint_not_found"
    kind = ErrorKind.NOT_FOUND


class DeliveryNotFound(TiergateError):
    """There is no such delivery."""

    code = "delivery_not_found"
    kind = ErrorKind.NOT_FOUND


class EndpointDisabled(TiergateError):
    """Nothing is sent to this endpoint until it is enabled."""

    code = "endpoint_disabled"
    kind = ErrorKind.CONFLICT
