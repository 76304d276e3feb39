"""What the tests of passkeys share: the trail, and somebody with a password alone."""

import audit.api
import licensing.api
from authlevels import api
from isolation.api import tenant_transaction
from tests.authlevels.acme import NOON, PASSWORD, Acme


def trail(acme: Acme) -> list[audit.api.Entry]:
    """Everything that Acme's trail tells."""
    with tenant_transaction(acme.tenant_id):
        return audit.api.list_entries(tenant_id=acme.tenant_id, limit=audit.api.MAX_PAGE)


def sign_in_dave(acme: Acme) -> api.Session:
    """Dave, with a password alone."""
    api.put_user(subject_id="dave", password=PASSWORD, at=NOON)
    licensing.api.put_member(
        tenant_id=acme.tenant_id, subject_type="account", subject_id="dave", roles=["member"], by="test", at=NOON
    )
    session, _ = api.sign_in_with_password(
        tenant_id=acme.tenant_id, username="dave", password=PASSWORD, network="192.0.2.1", at=NOON
    )
    return session
