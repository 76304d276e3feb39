"""Makes up profiles of many people quickly: some hundred histories, each given to many people under names of their own.

A history is encoded once, with a mark where the names of its networks and devices begin; for each person the mark is written over.
So a million are made in minutes, and still hold what only their person has.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from config.embedded import roles

_TEMPLATES: Final = 200
_HOMES: Final = 40_000
_MARK: Final = b"home-00000."
_PAGE: Final = 20_000
_ABROAD: Final = 15
_COPY: Final = (
    "COPY riskengine_profile (id, tenant_id, subject_type, subject_id, state, version, epoch, updated_at) "
    "FROM STDIN (FORMAT BINARY)"
)
_TYPES: Final = ("uuid", "uuid", "text", "text", "bytea", "int8", "timestamptz", "timestamptz")


def make_profiles(database: str, tenants: Sequence[UUID], first: int, until: int, *, at: datetime) -> float:
    """Add profiles of people with one to three hundred signals each, sixty days old; give how many bytes one has.

    tenants: half of the people are the first one's, the rest those of the others.
    """
    chance, written = random.Random(first), 0  # noqa: S311 - a bench's
    at -= timedelta(days=60)
    histories = list(_histories(random.Random(7), at))  # noqa: S311 - as above
    # As the one whom no policy binds: a copy is refused where rows are guarded.
    with roles.superuser_connection(database) as inside, inside.cursor() as cursor:
        for start in range(first, until, _PAGE):
            with cursor.copy(_COPY) as copy:
                copy.set_types(_TYPES)
                for number in range(start, min(start + _PAGE, until)):
                    tenant = tenants[0] if number % 2 else tenants[1 + number // 2 % (len(tenants) - 1)]
                    state = chance.choice(histories).replace(_MARK, b"home-%05d." % (number % _HOMES))
                    written += len(state)
                    copy.write_row((uuid4(), tenant, "user", f"person-{number}", state, 1, at, at))
        cursor.execute("VACUUM (ANALYZE) riskengine_profile")
    return written / max(1, until - first)


def _histories(chance: random.Random, at: datetime) -> Iterator[bytes]:
    from riskengine.seen import Seen  # noqa: PLC0415 - not before the environment is set
    from riskengine.stored import Taught, encode_stored, teach  # noqa: PLC0415 - as above

    home = _MARK.decode()
    for _ in range(_TEMPLATES):
        stored: Any = None
        days = chance.randrange(1, 300)
        for day in range(days):
            network = chance.choice((0, 0, 0, 0, 1, 1, 2 + chance.randrange(20)))
            family = chance.choice(("Firefox", "Firefox", "Chrome"))
            seen = Seen(
                network=f"{home}10.{network}.{chance.randrange(2)}.0/24",
                asn=f"AS{64500 + network}",
                country="DE" if network < _ABROAD else "FR",
                network_class="residential",
                browser=f"{family} {140 + day // 30}",
                family=family,
                system="Linux desktop" if family == "Firefox" else "Android phone",
                hour=chance.choice((8, 9, 9, 10, 13, 14, 20)),
                device=f"{home}device-{family}",
            )
            stored = teach(stored, Taught(id=uuid4(), at=at - timedelta(days=days - day), trust=0.5, seen=seen))
        yield encode_stored(stored)
