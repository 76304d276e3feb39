"""What this room refuses, each with a stable code."""

from typing import Any

from tiergate import ErrorKind, TiergateError


class Throttled(TiergateError):
    """Too many attempts; ``retry_after`` seconds until the next one is looked at."""

    code = "throttled"
    kind = ErrorKind.THROTTLED


class SignInFailed(TiergateError):
    """The one answer to every failed sign-in, so that it tells nothing about who exists."""

    code = "sign_in_failed"
    kind = ErrorKind.UNAUTHENTICATED


class PasswordRefused(TiergateError):
    """The password breaks the rules for choosing one."""

    code = "password_refused"
    kind = ErrorKind.INVALID


class AssertionRefused(TiergateError):
    """What the product says about a sign-in cannot be taken. why: as the trail names it."""

    code = "assertion_refused"
    kind = ErrorKind.INVALID

    def __init__(self, detail: str, *, why: str) -> None:
        super().__init__(detail)
        self.why = why


class RiskBlocked(TiergateError):
    """A sign-in looks too risky to begin a session. look: as it was seen, a `risk.Look`."""

    code = "risk_blocked"
    kind = ErrorKind.FORBIDDEN

    def __init__(self, detail: str, *, look: Any) -> None:
        super().__init__(detail)
        self.look = look


class SubjectNotMember(TiergateError):
    """The subject is no member of the tenant."""

    code = "subject_not_member"
    kind = ErrorKind.NOT_FOUND


class ImpersonationForbidden(TiergateError):
    """The tenant does not let the vendor's support act as its members, or nobody may act as this one."""

    code = "impersonation_forbidden"
    kind = ErrorKind.FORBIDDEN


class ImpersonationRefused(TiergateError):
    """What is asked for cannot be: no reason, or too long."""

    code = "impersonation_refused"
    kind = ErrorKind.INVALID


class SessionNotFound(TiergateError):
    """There is no such session in this tenant."""

    code = "session_not_found"
    kind = ErrorKind.NOT_FOUND


class NotSignedIn(TiergateError):
    """A person's own session is needed."""

    code = "not_signed_in"
    kind = ErrorKind.UNAUTHENTICATED


class CredentialNotFound(TiergateError):
    """There is no such live credential in this tenant."""

    code = "credential_not_found"
    kind = ErrorKind.NOT_FOUND


class CredentialNameTaken(TiergateError):
    """A live credential of this tenant has that name."""

    code = "credential_name_taken"
    kind = ErrorKind.CONFLICT


class VerbMissing(TiergateError):
    """The credential lacks the verb for this call."""

    code = "verb_missing"
    kind = ErrorKind.FORBIDDEN


class DecisionNotFound(TiergateError):
    """There is no such recorded decision of this tenant and session."""

    code = "decision_not_found"
    kind = ErrorKind.NOT_FOUND


class DecisionNotChallengeable(TiergateError):
    """The recorded decision asks for no step-up, or is too old."""

    code = "decision_not_challengeable"
    kind = ErrorKind.CONFLICT


class NothingToShow(TiergateError):
    """The person has enrolled nothing of ours that would meet the requirement."""

    code = "enrolment_required"
    kind = ErrorKind.CONFLICT


class ReturnToRefused(TiergateError):
    """The address to return to is not one that the caller may name."""

    code = "return_to_refused"
    kind = ErrorKind.INVALID


class ChallengeNotFound(TiergateError):
    """There is no such challenge for this presenter."""

    code = "challenge_not_found"
    kind = ErrorKind.NOT_FOUND


class ChallengeClosed(TiergateError):
    """The challenge was passed, has expired, or its session has ended."""

    code = "challenge_closed"
    kind = ErrorKind.CONFLICT


class WrongBrowser(TiergateError):
    """The link was opened in another browser, was used already, or is too old."""

    code = "wrong_browser"
    kind = ErrorKind.FORBIDDEN


class RedemptionRefused(TiergateError):
    """The code that a browser brought back is not right, was redeemed already, or is too old."""

    code = "redemption_refused"
    kind = ErrorKind.CONFLICT


class SuspendedNotFound(TiergateError):
    """There is no such waiting request of this session, or it waited for too long."""

    code = "suspended_request_not_found"
    kind = ErrorKind.NOT_FOUND


class AlreadyResumed(TiergateError):
    """The waiting request went on already; it goes on once."""

    code = "already_resumed"
    kind = ErrorKind.CONFLICT


class WrongCode(TiergateError):
    """The code or password is not right."""

    code = "wrong_code"
    kind = ErrorKind.INVALID


class CodeAlreadyUsed(TiergateError):
    """The code was right, but it was used before; the next one is needed."""

    code = "code_already_used"
    kind = ErrorKind.INVALID


class PasskeyRefused(TiergateError):
    """What the authenticator showed is not right, or was not asked for."""

    code = "passkey_refused"
    kind = ErrorKind.INVALID


class PasskeyCloned(TiergateError):
    """The passkey's counter went back: there are two of it, and neither is taken any more."""

    code = "passkey_cloned"
    kind = ErrorKind.FORBIDDEN


class TooManyFactors(TiergateError):
    """The person has as many factors of this kind as they may."""

    code = "too_many_factors"
    kind = ErrorKind.CONFLICT


class MethodUnavailable(TiergateError):
    """The person cannot present this method here."""

    code = "method_unavailable"
    kind = ErrorKind.INVALID


class ElevationNotFound(TiergateError):
    """There is no such elevation for this caller."""

    code = "elevation_not_found"
    kind = ErrorKind.NOT_FOUND


class ElevationGone(TiergateError):
    """The elevation was used, has ended, or has expired."""

    code = "elevation_gone"
    kind = ErrorKind.CONFLICT


class TooManyTokens(TiergateError):
    """As many tokens as may be rest on one confirmation; ``retry_after`` seconds until one is over."""

    code = "too_many_tokens"
    kind = ErrorKind.THROTTLED


class BatchRefused(TiergateError):
    """So much cannot be confirmed at once."""

    code = "batch_refused"
    kind = ErrorKind.INVALID


class ElevationElsewhere(TiergateError):
    """The elevation was given for something else than what it is to be used for."""

    code = "elevation_elsewhere"
    kind = ErrorKind.CONFLICT


class ApprovalNotFound(TiergateError):
    """There is no such approval for this caller."""

    code = "approval_not_found"
    kind = ErrorKind.NOT_FOUND


class ApprovalClosed(TiergateError):
    """The approval was refused, used, or has expired."""

    code = "approval_closed"
    kind = ErrorKind.CONFLICT


class ApprovalNotYours(TiergateError):
    """Whoever asked for an approval, or acts as somebody else, does not grant it."""

    code = "approval_not_yours"
    kind = ErrorKind.FORBIDDEN


class FactorNotFound(TiergateError):
    """There is no such factor of this person."""

    code = "factor_not_found"
    kind = ErrorKind.NOT_FOUND


class FactorAlreadyEnrolled(TiergateError):
    """The person has a factor of this kind already; it must be removed first."""

    code = "factor_already_enrolled"
    kind = ErrorKind.CONFLICT


class HeldLevelNeeded(TiergateError):
    """Changing factors needs the highest level that the person already holds."""

    code = "held_level_needed"
    kind = ErrorKind.FORBIDDEN


class NothingToRecover(TiergateError):
    """The person has no factor in whose place a recovery code could stand."""

    code = "nothing_to_recover"
    kind = ErrorKind.CONFLICT


class RecoveryNotGranted(TiergateError):
    """A fresh password and a recovery code, both in this session, are needed first."""

    code = "recovery_not_granted"
    kind = ErrorKind.FORBIDDEN


class PolicyRefused(TiergateError):
    """A member of the step-up policy is out of its range."""

    code = "policy_refused"
    kind = ErrorKind.INVALID


class StillMember(TiergateError):
    """Nobody is erased while they belong to the tenant."""

    code = "still_a_member"
    kind = ErrorKind.CONFLICT


class RiskOfNobody(TiergateError):
    """Nothing is kept of how risky such a person looks."""

    code = "risk_of_nobody"
    kind = ErrorKind.NOT_FOUND


class ReasonRefused(TiergateError):
    """It is not said why, in words that the trail can keep."""

    code = "reason_refused"
    kind = ErrorKind.INVALID


class ScopeRefused(TiergateError):
    """A scope was asked for that the elevation is not good for, or that the catalogue does not have."""

    code = "invalid_scope"
    kind = ErrorKind.FORBIDDEN


class SigningKeyNotFound(TiergateError):
    """There is no such signing key."""

    code = "signing_key_not_found"
    kind = ErrorKind.NOT_FOUND


class CodeUnknown(TiergateError):
    """There is no such code for whoever types it, or its number was another."""

    code = "code_unknown"
    kind = ErrorKind.NOT_FOUND


class AuthorizationPending(TiergateError):
    """Nobody has answered yet (RFC 8628 §3.5)."""

    code = "authorization_pending"
    kind = ErrorKind.INVALID


class SlowDown(TiergateError):
    """It was asked too often; ``interval`` seconds lie between two polls from now on (RFC 8628 §3.5)."""

    code = "slow_down"
    kind = ErrorKind.INVALID


class AccessDenied(TiergateError):
    """What was waited for was refused (RFC 8628 §3.5)."""

    code = "access_denied"
    kind = ErrorKind.INVALID


class ExpiredToken(TiergateError):
    """What was waited for has expired (RFC 8628 §3.5)."""

    code = "expired_token"
    kind = ErrorKind.INVALID
