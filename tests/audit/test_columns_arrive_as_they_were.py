"""What is written as a binary array, PostgreSQL reads as what it was, and refuses what it cannot be."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import DataError, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.columns import binding_cursor, hashes, instants, texts, uuids, wholes
from audit.encoding import storable_bytes
from audit.people import storable

pytestmark = pytest.mark.django_db
again = settings(
    max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)

words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=300)


def read(column: Any) -> list[Any]:
    with binding_cursor(connections["default"]) as cursor:
        cursor.execute("SELECT unnest(%s)", [column])
        return [row[0] for row in cursor.fetchall()]


@again
@given(
    st.lists(st.none() | st.uuids(), max_size=5),
    st.lists(words, max_size=5),
    st.lists(st.binary(), max_size=5),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5),
    st.lists(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)), max_size=5),  # noqa: DTZ001
)
def test_every_value_is_read_as_it_was(
    ids: list[UUID | None], told: list[str], raw: list[bytes], numbers: list[int], moments: list[datetime]
) -> None:
    assert read(uuids([one.bytes if one else b"" for one in ids])) == ids
    assert read(texts([one.encode() for one in told])) == told
    assert read(hashes(raw)) == raw
    assert read(wholes(numbers)) == numbers
    assert read(instants(moments)) == moments


def test_an_instant_of_another_zone_is_the_same_instant() -> None:
    far = datetime.fromisoformat("1999-12-31T23:59:59.999999+05:30")
    assert read(instants([far, far.replace(tzinfo=None)])) == [
        far.astimezone(UTC),
        far.astimezone(UTC) + timedelta(hours=5, minutes=30),
    ]


@pytest.mark.parametrize("bad", [b"x", b"x" * 15, b"x" * 17])
def test_what_is_no_id_is_refused_before_it_is_sent(bad: bytes) -> None:
    with pytest.raises(DataError):
        uuids([b"y" * 16, bad])


@pytest.mark.parametrize("bad", [b"\x00", b"\xff", b"a\xed\xa0\x80"])
def test_what_is_no_text_is_refused_by_the_database(bad: bytes) -> None:
    with pytest.raises(DataError), transaction.atomic():
        read(texts([b"good", bad]))


@given(st.text(max_size=1_100))
def test_a_text_is_stored_as_ever(text: str) -> None:
    assert storable_bytes(text) == storable(text).encode()
