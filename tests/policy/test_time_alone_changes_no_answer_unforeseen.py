"""An answer of rules holds as it is until the instant that it names, however much of time the rules read."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from tests.kernel.case_vocabulary import NINE, facts_of
from tests.policy.bundles import bundle, rule
from tiergate import Circumstances, Facts, decide
from tiergate.policy import Bundle, Judged, with_bundle

IN_BERLIN = Circumstances(scopes=(), zone="Europe/Berlin", offset=3600)
IN_DELHI = Circumstances(scopes=(), zone="Asia/Kolkata", offset=19800)
SHOWN = {"session": {"proofs": [{"password": "2h ago"}, {"totp": "14m ago"}]}}


def _facts(circumstances: Circumstances = IN_BERLIN, *, began: timedelta | None = timedelta(minutes=50)) -> Facts:
    facts = facts_of(SHOWN)
    assert facts.session is not None
    started = None if began is None else NINE - began
    return replace(facts, circumstances=circumstances, session=replace(facts.session, started_at=started))


# A condition, and the first instant after nine at which it is to be asked again.
ASKED = {
    "time.hour < 11": (IN_BERLIN, NINE.replace(hour=10)),
    "time.hour < 15": (IN_DELHI, NINE.replace(minute=30)),
    "time.weekday > 1": (IN_DELHI, NINE.replace(minute=30)),
    "time.hour == 9": (Circumstances(scopes=()), None),
    "time.now < timestamp('2026-11-02T10:15:00.5Z')": (IN_BERLIN, NINE.replace(hour=10, minute=15, microsecond=500000)),
    "time.now <= timestamp('2026-11-02T09:00:00Z')": (IN_BERLIN, NINE.replace(microsecond=1)),
    "time.now > timestamp('2026-11-02T08:00:00Z')": (IN_BERLIN, None),
    "timestamp('9999-12-31T23:59:59Z') > time.now": (IN_BERLIN, datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),
    "time.now.getMinutes() > 0": (IN_BERLIN, NINE.replace(second=1)),
    "session.age > 3600": (IN_BERLIN, NINE.replace(minute=10)),
    "session.age == 3000": (IN_BERLIN, NINE.replace(second=1)),
    "session.age % 2 == 0": (IN_BERLIN, NINE.replace(second=1)),
    "session.age < 9223372036854775807": (IN_BERLIN, None),
    "assurance.age > 899": (IN_BERLIN, NINE.replace(minute=0, second=59)),
    "device.is_known || risk.band == 'low'": (IN_BERLIN, None),
    "time.hour < 11 || session.age > 3600": (IN_BERLIN, NINE.replace(minute=10)),
}


def _says(judged: Judged) -> object:
    return judged.contributions, judged.forbids


def _is_foreseen(rules: Bundle, facts: Facts, at: datetime) -> bool:
    """Say whether an answer is the one that is had by asking again only when the last one said so."""
    known = rules.ask_about(facts)
    for _ in range(50):
        if known.next_change_at is None or known.next_change_at > at:
            break
        known = rules.ask_about(replace(facts, at=known.next_change_at))
    return _says(known) == _says(rules.ask_about(replace(facts, at=at)))


@pytest.mark.parametrize("when", ASKED)
def test_an_answer_holds_until_the_instant_that_it_names(when: str) -> None:
    circumstances, instant = ASKED[when]
    rules, facts = bundle(rule(when)), _facts(circumstances)
    changes = rules.ask_about(facts).next_change_at
    by_proofs = NINE.replace(hour=20, minute=46) if "assurance" in when else None
    assert changes == instant or (changes is not None and changes == by_proofs)
    odd = timedelta(minutes=7, seconds=1, microseconds=1)
    # What changes by the second is looked at for seconds.
    step = timedelta(milliseconds=333) if changes is not None and changes - NINE <= timedelta(seconds=1) else odd
    assert all(_is_foreseen(rules, facts, NINE + number * step) for number in range(40))


def test_of_rules_that_are_about_other_things_nothing_is_foreseen() -> None:
    rules = bundle(rule("time.hour < 7", on="{actions: [a.b]}") + rule(name="b", on="{actions: [c.d]}"))
    assert rules.ask_about(_facts()).next_change_at is None
    assert rules.ask_about(facts_of({})) == rules.ask_about(facts_of({"session": "none"}))


def test_a_session_that_begins_later_or_of_which_nothing_is_known_is_looked_at_again() -> None:
    rules = bundle(rule("session.age > 3600"))
    assert rules.ask_about(_facts(began=-timedelta(seconds=9))).next_change_at == NINE.replace(second=1)
    assert rules.ask_about(_facts(began=None)).next_change_at is None


def test_the_decision_says_so_too_and_forgets_it_with_the_bundle() -> None:
    facts = with_bundle(_facts(), bundle(rule("time.hour >= 20 && !device.is_known", says="require: {level: aal2}")))
    assert decide(facts).next_change_at == facts.rules_change_at == NINE.replace(hour=10)
    without = with_bundle(facts, None)
    assert (without.rules_change_at, decide(without).next_change_at) == (None, decide(_facts()).next_change_at)
