"""The door through which provisioning makes people of the own sign-in."""

from datetime import datetime
from uuid import UUID

import audit.api
import licensing.api
from authlevels.models import User
from authlevels.models.people import ACCOUNT
from authlevels.passwords import accept_password
from authlevels.provisioning import decode_secret, put_totp_secret
from isolation.api import tenant_transaction


def put_user(
    *,
    subject_id: str,
    at: datetime,
    realm: UUID | None = None,
    subject_type: str = ACCOUNT,
    email: str = "",
    password: str | None = None,
    totp_secret: str | None = None,
    by: str = "provisioning",
) -> tuple[UUID, list[str]]:
    """Make a person, or bring one to this state; return the id and what changed, by name.

    realm: None for the own sign-in, else the tenant whose product knows the person.
    password, totp_secret: None leaves what is there; the same again changes nothing.
    totp_secret: base32, at least 112 bits.
    by: who does it, for the trail of the person's tenant, or the vendor's.
    :raises PasswordRefused: the password breaks the rules for choosing one.
    :raises ValueError: the secret is none, or the subject type is not the realm's.
    """
    if (realm is None) != (subject_type == ACCOUNT):
        raise ValueError("The subject type account belongs to the own sign-in, and only it does.")
    if totp_secret is not None:
        decode_secret(totp_secret)
    changed: list[str] = []
    old: dict[str, str] = {}
    trail = realm or licensing.api.VENDOR_TENANT_ID
    with tenant_transaction(trail):
        user, is_new = User.objects.select_for_update().get_or_create(
            realm=realm,
            subject_type=subject_type,
            subject_id=subject_id,
            defaults={"email": email, "created_at": at, "password": "!"},
        )
        if is_new:
            changed.append("created")
        elif email and user.email != email:
            old["email"], user.email = user.email, email
            user.save(update_fields=["email"])
            changed.append("email")
        if password is not None and not user.check_password(password):
            accept_password(password, user, has_second_factor=totp_secret is not None)
            user.set_password(password)
            user.save(update_fields=["password"])
            changed.append("password")
        if totp_secret is not None and put_totp_secret(user, totp_secret, by=by, at=at):
            changed.append("totp")
        if changed:
            # What a secret was or is belongs in no trail; that it changed does.
            audit.api.append(
                tenant_id=trail,
                kind=audit.api.Kind.PERSON_CHANGED,
                at=at,
                subject=(subject_type, subject_id),
                payload={"changed": changed, "by": by},
                personal={"old": old, "new": {"email": user.email}} if is_new or old else None,
            )
            licensing.api.publish("person", str(user.id))
    return user.id, changed
