"""Where a period ends: laws, and the days that calendars are wrong on."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from config.fake_stripe.cycles import end_of_period, step

_MONTH = {"interval": "month", "interval_count": 1}
_SECONDS = st.integers(min_value=946_684_800, max_value=4_102_444_800)
_EVERY = st.fixed_dictionaries(
    {"interval": st.sampled_from(["day", "week", "month", "year"]), "interval_count": st.integers(1, 12)}
)


def _at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_a_month_from_the_thirty_first_ends_on_the_last_day_and_comes_back() -> None:
    anchor, start, ends = _at("2027-10-31T12:00:00"), _at("2027-10-31T12:00:00"), []
    for _ in range(6):
        start = end_of_period(anchor, _MONTH, start)
        ends.append(f"{datetime.fromtimestamp(start, UTC):%m-%d %H}")
    assert ends == ["11-30 12", "12-31 12", "01-31 12", "02-29 12", "03-31 12", "04-30 12"]


def test_an_anchor_to_come_ends_the_first_period() -> None:
    assert end_of_period(_at("2027-03-01T00:00:00"), _MONTH, _at("2027-02-10T00:00:00")) == _at("2027-03-01T00:00:00")
    assert end_of_period(_at("2027-05-01T00:00:00"), _MONTH, _at("2027-02-10T00:00:00")) == _at("2027-03-01T00:00:00")


@given(anchor=_SECONDS, away=st.integers(-800 * 86400, 800 * 86400), every=_EVERY)
def test_it_ends_on_the_first_turn_after_it_begins(anchor: int, away: int, every: dict[str, object]) -> None:
    start = anchor + away
    end = end_of_period(anchor, every, start)
    about = round((end - anchor) / (step(anchor, every, 1) - anchor))
    turns = [step(anchor, every, number) for number in range(about - 4, about + 5)]
    assert end == min(turn for turn in turns if turn > start)
