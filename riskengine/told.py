"""What is told of how a request looks, as it came, and what is made of it."""

from datetime import UTC, datetime, tzinfo
from functools import lru_cache
from typing import Final

from msgspec import Struct

from riskengine import addresses, agents, device_tokens
from riskengine.reading import hour_in, see
from riskengine.seen import NOTHING_SEEN, Seen

REMEMBERED: Final = 20_000


class Told(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody tells of the person's side: never of a proxy's or a product's server.

    ip: in text. user_agent: as far as it is read; "" where the person's program sent none, None where nobody tells.
    device_token: whatever was sent as one. What is not text, or longer than any address or token, was not told.
    """

    ip: str | None = None
    user_agent: str | None = None
    device_token: str | None = None

    @property
    def is_nothing(self) -> bool:
        """Say whether nothing is told."""
        return self.ip is None and self.user_agent is None and self.device_token is None


NOTHING_TOLD: Final = Told()


def told(*, ip: object = None, user_agent: object = None, device_token: object = None) -> Told:
    """Take what was sent, whatever it is."""
    if ip is None and user_agent is None and device_token is None:
        return NOTHING_TOLD
    # INVARIANT: nobody hides which program they have by having it send too much.
    agent = user_agent[: agents.LONGEST] if isinstance(user_agent, str) else None
    return Told(
        ip=_text(ip, addresses.LONGEST), user_agent=agent, device_token=_text(device_token, device_tokens.LONGEST)
    )


def seen_of(told: Told, *, zone: tzinfo | None, at: datetime) -> Seen:
    """Read what was told; of nothing, not even the hour is a look.

    zone: the tenant's. The same is read once a minute: by then other data of networks may be in force.
    """
    if told.is_nothing:
        return NOTHING_SEEN
    return _read(told, hour_in(zone, at=at), int(at.timestamp()) // 60)


@lru_cache(maxsize=REMEMBERED)
def _read(told: Told, hour: int | None, minute: int) -> Seen:
    at = datetime.fromtimestamp(minute * 60, UTC)
    seen = see(ip=told.ip, user_agent=told.user_agent, device_token=told.device_token, hour=hour, at=at)
    # An hour alone says nothing of anybody.
    return NOTHING_SEEN if seen == Seen(hour=hour) else seen


def _text(value: object, longest: int) -> str | None:
    return value if isinstance(value, str) and len(value) <= longest else None
