"""What is known of one person just now, and how it is read from the database, which is what is true."""

from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec
from django.db import DatabaseError
from msgspec import Struct

from isolation.api import tenant_row
from riskengine.errors import RiskUnavailable
from riskengine.evaluators import Failures
from riskengine.stored import Stored, Taught, decode_stored
from riskengine.subjects import Subject
from tiergate import Band

PERSON_HALF_LIFE: Final = timedelta(minutes=15)
NETWORK_HALF_LIFE: Final = timedelta(hours=1)
WINDOW: Final = 4
"""So many half-lives ago, a failure is a sixteenth of one, and left out."""
MOST_WAITING: Final = 64
"""How many signals that are not folded yet, and people on one network, are read for one assessment."""

_COLUMN: Final = "riskengine_known(%s, %s, %s, %s, %s, %s, %s, %s, %s)"


class SessionFound(Struct, frozen=True, kw_only=True):
    """What a session was seen to risk since its person last confirmed. raised_at: None where it never was high. looks: by `looks.alike`, the band that was seen with it. version: of the row."""

    band: Band
    raised_at: datetime | None
    looks: Mapping[str, Band]
    version: int


class Failed(Struct, frozen=True, kw_only=True):
    """A decaying sum of failures as of an instant. people: when each of those that it is of failed last, for a network."""

    weight: float
    people: Mapping[Subject, datetime] = {}


class Known(Struct, frozen=True, kw_only=True):
    """What an assessment is made of. stored: None for somebody of whom nothing was learned. taught: what it does not hold yet."""

    stored: Stored | None
    version: int
    taught: tuple[Taught, ...]
    person: Failed
    network: Failed
    session: SessionFound | None

    def failures(self) -> Failures:
        """Give what failed, as evaluators take it."""
        return Failures(
            person=self.person.weight, network=self.network.weight, people_on_network=len(self.network.people)
        )


class _Row(Struct):
    state: str | None
    version: int
    taught: tuple[Taught, ...]
    person: float
    network: float
    people: list[tuple[str, str, datetime]]
    session: SessionFound | None


_decode: Final = msgspec.json.Decoder(_Row).decode


def read_known(
    *, tenant_id: UUID, subject: Subject, network: str | None, session_id: UUID | None, at: datetime
) -> Known:
    """Read what is known from the database, in one statement.

    :raises RiskUnavailable: the database does not answer, or all that may ask it at a time do.
    """
    asked = [
        *(tenant_id, *subject, network or "", session_id, at),
        *(str(PERSON_HALF_LIFE.total_seconds()), str(NETWORK_HALF_LIFE.total_seconds()), str(MOST_WAITING)),
    ]
    try:
        (found,) = tenant_row(tenant_id, _COLUMN, asked)
    except DatabaseError as error:
        raise RiskUnavailable("Nothing can be read of who is asking.") from error
    row = _decode(found)
    return Known(
        stored=None if row.state is None else decode_stored(b64decode(row.state)),
        version=row.version,
        taught=row.taught,
        person=Failed(weight=row.person),
        network=Failed(weight=row.network, people={(kind, name): newest for kind, name, newest in row.people}),
        session=row.session,
    )
