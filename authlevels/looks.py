"""How a request of a person's own browser or app looks: what it says of itself, and where it comes from."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.http import HttpRequest

import licensing.api
from authlevels.client_address import person_address
from riskengine import api as riskengine

DEVICE_HEADER: Final = "X-Tiergate-Device"
"""By which an app shows the token that a browser keeps in a cookie."""


def told_by(request: HttpRequest) -> riskengine.Told:
    """Tell how a request looks that came from the person themselves.

    The address is what trusted proxies say, and never the TCP peer's. A header that is there decides alone which device it is.
    """
    token = request.headers.get(DEVICE_HEADER)
    return riskengine.told(
        ip=person_address(request),
        user_agent=request.headers.get("User-Agent", ""),
        device_token=request.COOKIES.get(riskengine.device_cookie_name()) if token is None else token,
    )


def seen_in(tenant_id: UUID, told: riskengine.Told, *, at: datetime) -> riskengine.Seen:
    """Read how something looked by the clock of a tenant."""
    if told.is_nothing:
        return riskengine.NOTHING_SEEN
    zone = licensing.api.find_zone(licensing.api.get_tenant(tenant_id).settings)
    return riskengine.seen_of(told, zone=zone, at=at)
