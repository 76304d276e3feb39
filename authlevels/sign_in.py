"""Own sign-in with a password."""

from datetime import datetime
from typing import Final
from uuid import UUID

import licensing.api
from authlevels.attempts import ACCOUNT_LIMIT, NETWORK_LIMIT, charge, give_back
from authlevels.bearer import BearerKind, mint
from authlevels.errors import RiskBlocked, SignInFailed
from authlevels.metrics import counted_sign_in
from authlevels.models import User
from authlevels.passwords import is_right_password, password_authenticator, password_bucket
from authlevels.principals import Session
from authlevels.risk import Look, look_at_sign_in
from authlevels.session_start import Origin, start_session
from authlevels.sign_in_failures import Failure, name_digest, record_blocked, record_failure
from isolation.api import keyed_digests, tenant_transaction
from riskengine import api as riskengine
from tiergate import OWN_ISSUER, REAUTHENTICATION, SESSION_WIDE, Level, TiergateError

_FAILED: Final = "The name, the password or the tenant is not right."


@counted_sign_in()
def sign_in_with_password(
    *,
    tenant_id: UUID | None,
    username: str,
    password: str,
    network: str,
    at: datetime,
    ip: str | None = None,
    user_agent: str = "",
    device_token: str | None = None,
) -> tuple[Session, str]:
    """Begin a session of our own sign-in and return it with its new secret.

    tenant_id: None where the tenant named does not exist; refused like a wrong password.
    network: whose attempts are counted together (see ``client_address.counted_network``).
    device_token: what the device showed as its token.
    :raises SignInFailed: for whatever reason; it never says which.
    :raises Throttled: too many attempts on the account, known or not, or from the network.
    :raises riskengine.RiskUnavailable: how risky it looks could not be told, whether or not the password is right.
    """
    told = riskengine.told(ip=ip, user_agent=user_agent, device_token=device_token)
    left = charge(bucket=f"network:{network}", limit=NETWORK_LIMIT, at=at)
    user = _named(username)
    bucket = password_bucket(user) if user else _bucket_of_nobody(username)
    left = min(left, charge(bucket=bucket, limit=ACCOUNT_LIMIT, at=at))
    is_right = is_right_password(user, password)
    failure = Failure(
        user=user, name=username, network=network, ip=ip, user_agent=user_agent, attempts_left=left, told=told
    )
    look = _look(failure, tenant_id, at=at)
    if user is not None and is_right and user.is_active and tenant_id is not None:
        try:
            with tenant_transaction(tenant_id, durable=True):
                if is_active_member(tenant_id, user.subject_type, user.subject_id):
                    if isinstance(look, TiergateError):
                        raise look
                    begun = _begun(tenant_id, user, origin=Origin(ip=ip, user_agent=user_agent), look=look, at=at)
                    give_back(bucket=bucket, at=at)
                    return begun
        except RiskBlocked as blocked:
            # Whoever guessed the password does not learn that it was right; whose it is does, by e-mail.
            record_blocked(failure, tenant_id=tenant_id, look=blocked.look, at=at)
            raise SignInFailed(_FAILED) from None
    record_failure(failure, tenant_id=tenant_id, is_right=is_right, at=at)
    if isinstance(look, riskengine.RiskUnavailable):
        raise look
    raise SignInFailed(_FAILED)


def _look(failure: Failure, tenant_id: UUID | None, *, at: datetime) -> Look | RiskBlocked | riskengine.RiskUnavailable:
    """Have the engine look at every attempt, whatever was typed, and give what it says or refuses.

    INVARIANT: an engine that cannot say answers a wrong password as a right one; else its silence would tell which was right.
    """
    user = failure.user
    subject = (riskengine.NOBODY, name_digest(failure)) if user is None else (user.subject_type, user.subject_id)
    looked_at_by = licensing.api.VENDOR_TENANT_ID if tenant_id is None else tenant_id
    try:
        # Within a transaction nothing is answered from memory: what others failed on the network counts as of now.
        with tenant_transaction(looked_at_by, durable=True):
            return look_at_sign_in(looked_at_by, subject, failure.told, at=at)
    except (RiskBlocked, riskengine.RiskUnavailable) as refusal:
        return refusal


def _begun(tenant_id: UUID, user: User, *, origin: Origin, look: Look, at: datetime) -> tuple[Session, str]:
    secret = mint(BearerKind.SESSION, tenant_id)
    session = start_session(
        tenant_id=tenant_id,
        user=user,
        issuer=OWN_ISSUER,
        proofs=[password_authenticator(user.id).shown(at=at, scope=SESSION_WIDE)],
        origin=origin,
        expires_at=at + REAUTHENTICATION[Level.AAL1].absolute,
        at=at,
        secret=secret,
        look=look,
    )
    return session, secret


def is_active_member(tenant_id: UUID, subject_type: str, subject_id: str) -> bool:
    """Say whether the subject is an active member of the tenant."""
    member = licensing.api.get_member(tenant_id=tenant_id, subject_type=subject_type, subject_id=subject_id)
    return member is not None and member.active


def _named(username: str) -> User | None:
    people = User.objects.filter(realm__isnull=True)
    exact = people.filter(subject_id=username).first()
    if exact is not None or "@" not in username:
        return exact
    return people.filter(email__iexact=username).first()


def _bucket_of_nobody(username: str) -> str:
    """Name the count of a name that nobody has: spellings share it just where they would mean one person."""
    name = username.casefold() if "@" in username else username
    return f"nobody:{keyed_digests('attempts', name)[0].hex()}"
