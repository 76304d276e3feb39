"""The door of this room: how sure are we that it is them?"""

from authlevels.assertion import assert_session
from authlevels.challenges import (
    OpenedChallenge,
    Presenter,
    ShownChallenge,
    hand_off,
    open_challenge,
    show_challenge,
)
from authlevels.claims import claim_transaction
from authlevels.client_address import counted_network, person_address
from authlevels.consumption import HeldElevation, get_elevation, lock_elevation, use_elevation
from authlevels.cookies import set_session_cookie
from authlevels.credentials import (
    create_credential,
    forget_credentials,
    get_credential,
    list_credentials,
    resolve_credential,
    revoke_credential,
    rotate_credential,
)
from authlevels.drf import caller
from authlevels.elevations import LiveElevation, claim_use, elevation_consumed, end_elevation, list_elevations
from authlevels.erasing import erase_person
from authlevels.errors import (
    AssertionRefused,
    ChallengeClosed,
    ChallengeNotFound,
    CodeAlreadyUsed,
    CredentialNameTaken,
    CredentialNotFound,
    DecisionNotChallengeable,
    DecisionNotFound,
    ElevationElsewhere,
    ElevationGone,
    ElevationNotFound,
    FactorAlreadyEnrolled,
    FactorNotFound,
    HeldLevelNeeded,
    MethodUnavailable,
    NothingToShow,
    PasswordRefused,
    RedemptionRefused,
    ReturnToRefused,
    SessionNotFound,
    SignInFailed,
    StillMember,
    SubjectNotMember,
    Throttled,
    VerbMissing,
    WrongBrowser,
    WrongCode,
)
from authlevels.factors import (
    Enrolment,
    Factor,
    begin_totp_enrolment,
    confirm_totp_enrolment,
    list_factors,
    remove_factor,
)
from authlevels.methods import ChallengeMethod
from authlevels.nesting import is_nested_deeper
from authlevels.people import put_user
from authlevels.principals import (
    Anonymous,
    Credential,
    PersonPrincipal,
    Principal,
    ServicePrincipal,
    Session,
)
from authlevels.public_ids import (
    decision_ref,
    parse_decision_ref,
    parse_elevation_ref,
    parse_session_handle,
)
from authlevels.redemption import redeem
from authlevels.refusals import record_refused_use
from authlevels.replaying import KEPT_HEADERS
from authlevels.session_facts import SESSION_COLUMN, read_session, session_facts, session_parameters
from authlevels.session_start import Origin
from authlevels.sessions import (
    TOUCH_EVERY,
    end_session,
    note_use,
    resolve_session_secret,
    rotate_session_secret,
    touch_session,
)
from authlevels.sign_in import sign_in_with_password
from authlevels.standing import standing_of
from authlevels.suspended import MAX_SUSPENDED_BODY, Original, suspend_request
from authlevels.verification import Passed, StillOpen, verify

__all__ = [
    "KEPT_HEADERS",
    "MAX_SUSPENDED_BODY",
    "SESSION_COLUMN",
    "TOUCH_EVERY",
    "Anonymous",
    "AssertionRefused",
    "ChallengeClosed",
    "ChallengeMethod",
    "ChallengeNotFound",
    "CodeAlreadyUsed",
    "Credential",
    "CredentialNameTaken",
    "CredentialNotFound",
    "DecisionNotChallengeable",
    "DecisionNotFound",
    "ElevationElsewhere",
    "ElevationGone",
    "ElevationNotFound",
    "Enrolment",
    "Factor",
    "FactorAlreadyEnrolled",
    "FactorNotFound",
    "HeldElevation",
    "HeldLevelNeeded",
    "LiveElevation",
    "MethodUnavailable",
    "NothingToShow",
    "OpenedChallenge",
    "Origin",
    "Original",
    "Passed",
    "PasswordRefused",
    "PersonPrincipal",
    "Presenter",
    "Principal",
    "RedemptionRefused",
    "ReturnToRefused",
    "ServicePrincipal",
    "Session",
    "SessionNotFound",
    "ShownChallenge",
    "SignInFailed",
    "StillMember",
    "StillOpen",
    "SubjectNotMember",
    "Throttled",
    "VerbMissing",
    "WrongBrowser",
    "WrongCode",
    "assert_session",
    "begin_totp_enrolment",
    "caller",
    "claim_transaction",
    "claim_use",
    "confirm_totp_enrolment",
    "counted_network",
    "create_credential",
    "decision_ref",
    "elevation_consumed",
    "end_elevation",
    "end_session",
    "erase_person",
    "forget_credentials",
    "get_credential",
    "get_elevation",
    "hand_off",
    "is_nested_deeper",
    "list_credentials",
    "list_elevations",
    "list_factors",
    "lock_elevation",
    "note_use",
    "open_challenge",
    "parse_decision_ref",
    "parse_elevation_ref",
    "parse_session_handle",
    "person_address",
    "put_user",
    "read_session",
    "record_refused_use",
    "redeem",
    "remove_factor",
    "resolve_credential",
    "resolve_session_secret",
    "revoke_credential",
    "rotate_credential",
    "rotate_session_secret",
    "session_facts",
    "session_parameters",
    "set_session_cookie",
    "show_challenge",
    "sign_in_with_password",
    "standing_of",
    "suspend_request",
    "touch_session",
    "use_elevation",
    "verify",
]
