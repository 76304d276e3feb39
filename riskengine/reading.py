"""Making of what a request says what is scored and learned: values that are counted, and nothing that names a person."""

from datetime import datetime, tzinfo
from typing import Final

from riskengine import agents
from riskengine.agents import agent_of
from riskengine.data import keeping
from riskengine.data.atlas import Looks
from riskengine.device_tokens import read_device_token
from riskengine.seen import Seen

_NO_LOOKS: Final = Looks()


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
    looks = keeping.keeper.atlas().looks_of(ip, at=at) if ip else _NO_LOOKS
    agent = None if user_agent is None else agent_of(user_agent)
    device = None if device_token is None else read_device_token(device_token, at=at)
    return Seen(
        network=looks.address.network if looks.address else None,
        asn=looks.asn,
        country=looks.country,
        network_class=looks.network_class,
        is_relay=looks.is_relay,
        is_satellite=looks.is_satellite,
        is_listed=looks.is_listed,
        place=looks.place,
        browser=agent.browser if agent else None,
        family=agent.family if agent else None,
        system=agent.system if agent else None,
        hour=hour,
        device=device.id if device else None,
    )


def hour_in(zone: tzinfo | None, *, at: datetime) -> int | None:
    """Tell the hour of an instant by a zone's clocks; None where the zone is not known."""
    return None if zone is None else at.astimezone(zone).hour


def get_ready() -> None:
    """Load now, before anybody is served, what the first request would wait for: patterns of user agents, maps and lists.

    A database that does not answer stops nothing: what it holds is read when it does.
    """
    agents.get_ready()
    keeping.keeper.look_now()
