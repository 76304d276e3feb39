"""A reader of the try-it page becomes a guest: a new account of their own in the playground."""

import secrets
from datetime import datetime
from typing import Final

from authlevels import api as authlevels
from licensing import api as licensing

PLAYGROUND: Final = "playground"
_ROLE: Final = "guest"


def welcome_guest(*, network: str, user_agent: str, at: datetime) -> tuple[authlevels.Session, str]:
    """Make an account with a password that nobody is told, and sign it in; returns the session and its secret.

    network: whose sign-ins are counted together, which bounds how many guests one reader can be.
    :raises TenantNotFound: there is no playground here.
    :raises Throttled: too many guests from that network.
    """
    tenant_id = licensing.get_tenant(PLAYGROUND).id
    name = f"guest-{secrets.token_hex(6)}"
    password = secrets.token_urlsafe(24)
    authlevels.put_user(subject_id=name, password=password, at=at)
    licensing.put_member(
        tenant_id=tenant_id,
        subject_type="account",
        subject_id=name,
        roles=[_ROLE],
        display_name="Guest",
        by="the try-it page",
        at=at,
    )
    return authlevels.sign_in_with_password(
        tenant_id=tenant_id, username=name, password=password, network=network, user_agent=user_agent, at=at
    )
