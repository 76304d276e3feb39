"""What the trail can tell."""

from enum import StrEnum


class Kind(StrEnum):
    """What happened. Add names, never rename one: the trail outlives the code."""

    DECISION = "decision"
    CHALLENGE_OPENED = "challenge.opened"
    CHALLENGE_PASSED = "challenge.passed"
    CHALLENGE_FAILED = "challenge.failed"
    ELEVATION_CREATED = "elevation.created"
    ELEVATION_USED = "elevation.used"
    ELEVATION_ENDED = "elevation.ended"
    SESSION_STARTED = "session.started"
    SESSION_REVOKED = "session.revoked"
    SIGN_IN_FAILED = "sign_in.failed"
    PERSON_ERASED = "person.erased"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - what happened
    FACTOR_ADDED = "factor.added"
    FACTOR_REMOVED = "factor.removed"
    FACTOR_FAILED = "factor.failed"
    FACTOR_DISABLED = "factor.disabled"
    CREDENTIAL_CREATED = "credential.created"
    CREDENTIAL_ROTATED = "credential.rotated"
    CREDENTIAL_REVOKED = "credential.revoked"
    CATALOG_APPLIED = "catalog.applied"
    TENANT_CHANGED = "tenant.changed"
    MEMBER_CHANGED = "member.changed"
    ROLE_CHANGED = "role.changed"
    SUBSCRIPTION_CHANGED = "subscription.changed"
    OVERRIDE_CHANGED = "override.changed"
