"""Sending an endpoint a message that tells of nothing, so that whoever set it up sees whether it arrives."""

from datetime import UTC, datetime
from typing import Final
from uuid import UUID, uuid4

from licensing import names
from licensing.errors import EndpointNotFound
from licensing.models.webhooks import WebhookEndpoint
from licensing.webhooks import signing
from licensing.webhooks.endpoints import secrets_of
from licensing.webhooks.sending import Sent, post

KIND: Final = "ping"
_SWEEP: Final = "sweep"


def ping_endpoint(*, endpoint_id: UUID, by: str, at: datetime) -> Sent:
    """Send one message of type ``ping`` now, signed like any other, and tell how it ended; it is tried once, and kept nowhere.

    Also to an endpoint that is disabled: so it is tried before it is enabled again.

    by: whom the message names.
    :raises EndpointNotFound: there is none such. :raises SecretUnreadable: nothing is sent unsigned.
    """
    author = names.text(by, "author", may_be_empty=False)
    row = WebhookEndpoint.objects.using(_SWEEP).filter(id=endpoint_id, removed_at=None).first()
    if row is None:
        raise EndpointNotFound("There is no such endpoint.")
    timestamp = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    body = signing.encoded({"type": KIND, "timestamp": timestamp, "data": {"endpoint": str(row.id), "by": author}})
    headers = signing.signed_headers(
        message=signing.message_id(uuid4()), body=body, secrets=secrets_of(row, at=at), at=at
    )
    return post(row.url, headers=headers, body=body)
