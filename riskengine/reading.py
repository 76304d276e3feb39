"""Making of what a request says what is scored and learned: values that are counted, and nothing that names a person."""

from datetime import datetime, tzinfo

from riskengine.addresses import address_of
from riskengine.agents import agent_of
from riskengine.device_tokens import read_device_token
from riskengine.seen import Seen


def see(
    *,
    at: datetime,
    ip: str | None = None,
    user_agent: str | None = None,
    device_token: object = None,
    hour: int | None = None,
) -> Seen:
    """Tell how a request looks.

    ip: the person's own address, never that of the product's server or a proxy. user_agent: as their browser or app
    sent it; "" where it sent none, None where nobody tells. device_token: whatever was sent as one.
    hour: 0 to 23, by the tenant's clock (`hour_in`). What cannot be read is not known, and never an error.
    """
    address = address_of(ip) if ip else None
    agent = None if user_agent is None else agent_of(user_agent)
    device = None if device_token is None else read_device_token(device_token, at=at)
    return Seen(
        network=address.network if address else None,
        browser=agent.browser if agent else None,
        family=agent.family if agent else None,
        system=agent.system if agent else None,
        hour=hour,
        device=device.id if device else None,
    )


def hour_in(zone: tzinfo | None, *, at: datetime) -> int | None:
    """Tell the hour of an instant by a zone's clocks; None where the zone is not known."""
    return None if zone is None else at.astimezone(zone).hour
