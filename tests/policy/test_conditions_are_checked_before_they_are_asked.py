"""What a condition could only get wrong when it is asked, or never be told about, is an error of its bundle."""

import pytest

from tests.policy.bundles import bundle, refused, rule

REFUSED = {
    # CEL's own.
    "transaction.amount == '1'": (20, "found no matching overload for '_==_' applied to '(int, string)'"),
    "transaction.amount >": (21, "Syntax error: mismatched input '<EOF>'"),
    "transaction.amount": (1, "a condition is true or false; this is int"),
    # The schema's values.
    'environment.sensitivity == "prod"': (
        28,
        "environment.sensitivity is one of development, staging, production, never",
    ),
    '"prod" != environment.sensitivity': (1, "environment.sensitivity is one of"),
    'risk.band in ["high", "criticl"]': (
        23,
        "risk.band is one of low, medium, high, critical, unknown, never 'criticl'",
    ),
    "risk.band.startsWith('h')": (5, "risk.band is one of low, medium, high, critical, unknown; it is compared by"),
    "risk.band == action.name": (5, "risk.band is one of"),
    "risk.band < 'medium'": (5, "risk.band is one of"),
    "risk.band in subject.roles": (5, "risk.band is one of"),
    "time.hour < 24": (13, "time.hour goes from 0 to 23, never to 24"),
    "assurance.level in [2, 4]": (24, "assurance.level goes from 0 to 3, never to 4"),
    "session.age == -1": (16, "session.age goes from 0 up, never to -1"),
    # What CEL would say nothing of.
    "has(device.is_known)": (4, "has() does not tell whether device.is_known is known"),
    "has( device . is_known ) == true": (4, "has() does not tell"),
    "dyn(transaction.amount) == 'x'": (4, "dyn is not for rules"),
    "{'a': true}.a": (12, "a member of a map is not for rules"),
    "null == null": (1, "null is not for rules"),
    "transaction.amount / 0 == 1": (20, "nothing is divided by 0"),
    "timestamp('yesterday') < time.now": (11, "this is no timestamp"),
    "duration('1 day') < duration('2h')": (10, "this is no duration"),
    "time.now.getHours('Mars/Base') == 1": (19, "there is no such time zone"),
    "time.now.getHours(subject.id) == 1": (26, "a time zone is written out, or time.zone"),
    "subject.roles.exists(time, time == 'x')": (21, "time is a name of the schema"),
    # What has no bounds.
    "subject.id.matches('(')": (20, "this is no regular expression"),
    "subject.id.matches(subject.type)": (27, "the pattern of matches is a text that is written out"),
    "subject.id.matches('((a{99}){99})')": (20, "a pattern has at most"),
    "subject.roles.exists(r, r.matches('x'))": (34, "matches does not stand within"),
    "subject.roles.exists(r, subject.roles.exists(s, s == r))": (45, "exists does not stand within another such"),
    "subject.roles.map(r, r + r) == []": (18, "this macro is not for rules"),
    "subject.roles.exists(r, r + r == 'x')": (27, "texts and lists are not put together within"),
    "subject.roles.exists(r, " + " || ".join(f"r == '{one}'" for one in range(99)) + ")": (
        1,
        "this may take more than",
    ),
    "true && " * 600 + "true": (1, "a condition has at most 4000 characters"),
    "(" * 99 + "true" + ")" * 99: (1, "CANCELLED: Expression recursion limit exceeded"),
}


@pytest.mark.parametrize(
    ("when", "place", "says"), [(when, *rest) for when, rest in REFUSED.items()], ids=lambda one: str(one)[:50]
)
def test_a_condition_that_cannot_be_meant_is_refused_where_it_stands(when: str, place: int, says: str) -> None:
    errors = [(one.line, one.column - 4, one.message) for one in refused(rule(when))]
    assert any(found[:2] == (4, place) and found[2].startswith(says) for found in errors), errors


@pytest.mark.parametrize(
    "when",
    [
        'environment.sensitivity == "production" || risk.band in ["high", "unknown"]',
        '(environment . sensitivity) != "staging" // why not',
        'subject.roles.exists(r, r.startsWith("admin")) && size(plan.keys.filter(k, k in ["a"])) == 0',
        'subject.id.matches("^svc-[a-z]{2,8}$") || action.name.endsWith(".delete")',
        'time.now < timestamp("2027-01-01T00:00:00Z") && time.now.getHours("Europe/Berlin") > 7',
        "transaction.is_present ? transaction.amount / 100 > 10 : session.age > 3600",
        '["a", "b"].exists(p, action.name.startsWith(p)) && !(subject.type in action.scopes)',
    ],
)
def test_what_people_mean_is_accepted(when: str) -> None:
    assert bundle(rule(when)).rules["one"].when is not None
