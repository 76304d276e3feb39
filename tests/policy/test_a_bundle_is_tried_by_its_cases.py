"""A bundle brings its own cases; one that is wrong is pointed at, and a rule that none tries is named."""

import json

import jsonschema
import pytest
import yaml

from tests.policy.bundles import bundle, rule
from tiergate.policy import BundleRefused, try_bundle
from tiergate.policy.json_schemas import list_schemas
from tiergate.policy.trying import Trial

HIGH = rule("risk.band == 'high'", says="require: {level: aal2, max_age: 900}")
ASKED = """\
- it: asks for a fresh second factor where the risk is high
  given: {action: {name: data.export}, risk: {band: high}}
  want: {outcome: asks, require: {level: aal2, max_age: 900}, because: So it is., rules: [one]}
"""
NOT_ASKED = """\
- it: asks nothing where it is low
  given: {action: {name: data.export}, risk: {band: low}}
  want: {outcome: nothing, rules: []}
"""


def _trial(rules: str, cases: str) -> Trial:
    return try_bundle(bundle(rules, tests_a=cases))


def _complaint(rules: str, case: str) -> str:
    (tried,) = _trial(rules, case).cases
    (complaint,) = tried.complaints
    return complaint


def test_a_bundle_whose_cases_say_what_it_says_is_good() -> None:
    trial = _trial(HIGH, ASKED + NOT_ASKED)
    assert (trial.is_good, trial.failed, trial.untried, trial.waived) == (True, (), (), ())
    assert [(one.case.it, one.case.file, one.case.line) for one in trial.cases] == [
        ("asks for a fresh second factor where the risk is high", "tests/a.yaml", 1),
        ("asks nothing where it is low", "tests/a.yaml", 4),
    ]


@pytest.mark.parametrize(
    ("was", "becomes", "says"),
    [
        (
            "max_age: 900}, because",
            "max_age: 600}, because",
            "require: wanted aal2, shown within 600 s; got aal2, shown w",
        ),
        (
            "max_age: 900}, because",
            "max_age: 901}, because",
            "require: wanted aal2, shown within 901 s; got aal2, shown w",
        ),
        ("So it is.", "So it was.", "because: wanted 'So it was.', got 'So it is.'"),
        ("rules: [one]", "rules: []", "rules: wanted none; got one"),
        ("rules: [one]", "unjudged: []", ""),
    ],
)
def test_what_differs_from_what_is_wanted_is_said(was: str, becomes: str, says: str) -> None:
    trial = _trial(HIGH, ASKED.replace(was, becomes))
    complaints = "; ".join(trial.cases[0].complaints)
    assert complaints.startswith(says)
    assert bool(complaints) == bool(says) == bool(trial.failed)


def test_another_outcome_than_the_wanted_one_names_the_rules_that_made_it() -> None:
    assert _complaint(HIGH, ASKED.replace("asks, require: {level: aal2, max_age: 900}, because: So it is.", "nothing"))
    says = _complaint(
        rule("risk.band == 'high'"), "- {it: passes, given: {risk: {band: high}}, want: {outcome: nothing}}\n"
    )
    assert says == "outcome: wanted nothing, got forbids (rules: one)"


def test_a_case_never_passes_over_a_rule_that_cannot_be_judged() -> None:
    forbids = "- {it: forbids, given: {action: {name: pay}}, want: {outcome: forbids}}\n"
    amount = rule("transaction.amount > 5")
    assert (
        _complaint(amount, forbids) == "unjudged: wanted none; got one cannot be judged: transaction.amount not known"
    )
    named = forbids.replace("forbids}", "forbids, unjudged: [one]}")
    assert _trial(amount, named).failed == ()


UNTRIED = {
    "no case at all": (HIGH, "[]\n", "no case that it is tried by"),
    "only where it holds": (HIGH, ASKED, "no case in which it does not hold"),
    "only where it does not hold": (HIGH, NOT_ASKED, "no case in which it holds"),
    "only where it holds, and by what it is not about": (
        rule("risk.band == 'high'", on="{actions: [data.export]}"),
        (
            "- {it: forbids, given: {action: {name: data.export}, risk: {band: high}}, want: {outcome: forbids}}\n"
            "- {it: passes, given: {action: {name: pay}, risk: {band: high}}, want: {outcome: nothing}}\n"
        ),
        "no case in which it does not hold",
    ),
    "only where it is not known": (
        rule("transaction.amount > 5"),
        "- {it: forbids, given: {action: {name: a}}, want: {outcome: forbids, unjudged: [one]}}\n",
        "no case that it is tried by",
    ),
    "one that holds always, where it is about the request": (
        rule(on="{actions: [a]}"),
        "- {it: forbids, given: {action: {name: a}}, want: {outcome: forbids}}\n",
        "no case in which it does not hold",
    ),
}


@pytest.mark.parametrize(("rules", "cases", "says"), UNTRIED.values(), ids=UNTRIED)
def test_a_rule_that_is_tried_on_one_side_alone_is_named(rules: str, cases: str, says: str) -> None:
    trial = _trial(rules, cases)
    (untried,) = trial.untried
    assert (untried.rule.id, untried.why) == ("one", f"there is {says}")
    assert (trial.failed, trial.is_good) == ((), False)


def test_a_rule_that_holds_always_is_tried_by_what_it_is_not_about() -> None:
    forbids = "- {it: forbids, given: {action: {name: a}}, want: {outcome: forbids}}\n"
    other = "- {it: passes, given: {action: {name: b}}, want: {outcome: nothing}}\n"
    assert _trial(rule(on="{actions: [a]}"), forbids + other).is_good


def test_a_rule_that_says_why_it_is_not_tried_is_waived_and_told_of() -> None:
    trial = _trial(HIGH + "  waives_tests: It goes with the next release.\n", "[]\n")
    assert (trial.is_good, [one.rule.id for one in trial.waived]) == (True, ["one"])


WRONG = {
    "no sentence": ("- {given: {}, want: {outcome: nothing}}", "1:3: a case needs 'it'"),
    "nothing given": ("- {it: a, want: {outcome: nothing}}", "1:3: a case needs 'given'"),
    "nothing wanted": ("- {it: a, given: {}}", "1:3: a case needs 'want'"),
    "an empty want": ("- {it: a, given: {}, want: {}}", "1:28: want needs an outcome: nothing, asks, forbids"),
    "an unknown member": ("- {it: a, when: b, given: {}, want: {outcome: nothing}}", "1:11: unknown member 'when'"),
    "a group that is none": (
        "- {it: a, given: {actions: {name: a}}, want: {outcome: nothing}}",
        "1:19: unknown member 'actions'",
    ),
    "a group that is a text": (
        "- {it: a, given: {action: data.export}, want: {outcome: nothing}}",
        "1:27: action is a mapping with name,",
    ),
    "a field that is none": (
        "- {it: a, given: {transaction: {amuont: 5}}, want: {outcome: nothing}}",
        "1:33: unknown member 'amuont'",
    ),
    "a value that an enum has not": (
        "- {it: a, given: {environment: {sensitivity: prod}}, want: {outcome: nothing}}",
        "1:46: environment.sensitivity is one of development, staging, production, never 'prod'",
    ),
    "a number as a text": (
        "- {it: a, given: {transaction: {amount: '5'}}, want: {outcome: nothing}}",
        "1:41: transaction.amount is of type int, never '5'",
    ),
    "a number out of range": (
        "- {it: a, given: {time: {hour: 24}}, want: {outcome: nothing}}",
        "1:32: time.hour is of type int from 0 to 23, never 24",
    ),
    "an instant without its offset": (
        "- {it: a, given: {time: {now: '2026-11-02T12:00:00'}}, want: {outcome: nothing}}",
        "1:31: time.now is an instant with its offset",
    ),
    "nothing for a value": (
        "- {it: a, given: {device: {is_known: null}}, want: {outcome: nothing}}",
        "1:38: device.is_known is of type bool, never nothing: leave it out where it is not known",
    ),
    "an outcome that is none": ("- {it: a, given: {}, want: {outcome: allow}}", "1:38: an outcome is one of nothing"),
    "being asked without what": ("- {it: a, given: {}, want: {outcome: asks}}", "1:28: a case that wants to be asked"),
    "a requirement where nothing is asked": (
        "- {it: a, given: {}, want: {outcome: nothing, require: {level: aal2}}}",
        "1:56: where the outcome is nothing, nothing is required",
    ),
    "a requirement that is none": (
        "- {it: a, given: {}, want: {outcome: asks, require: {level: aal9}}}",
        "1:61: 'aal9' is not a valid Level",
    ),
    "a rule that there is not": (
        "- {it: a, given: {}, want: {outcome: nothing, rules: [two]}}",
        "1:55: there is no rule 'two' in this bundle",
    ),
    "what cannot be judged and passes": (
        "- {it: a, given: {}, want: {outcome: nothing, unjudged: [one]}}",
        "1:28: a rule that cannot be judged forbids",
    ),
}


@pytest.mark.parametrize(("case", "says"), WRONG.values(), ids=WRONG)
def test_a_case_that_is_none_is_pointed_at_each_time_that_it_is_read(case: str, says: str) -> None:
    found = bundle(HIGH, tests_a=case + "\n")
    for _ in range(2):
        with pytest.raises(BundleRefused) as caught:
            try_bundle(found)
        (error,) = caught.value.errors
        assert f"{error.line}:{error.column}: {error.message}".startswith(says)
        assert error.file == "tests/a.yaml"


def test_however_many_cases_of_a_file_are_none_no_case_is_passed_over() -> None:
    found = bundle(HIGH, tests_a="- {it: a, given: {}, want: {}}\n" * 120)
    with pytest.raises(BundleRefused) as caught:
        try_bundle(found)
    assert len(caught.value.errors) == 120


def test_editors_are_told_what_a_case_is() -> None:
    schema = json.loads(list_schemas()["tests.json"])
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert list(validator.iter_errors(yaml.safe_load(ASKED + NOT_ASKED))) == []
    # The schema knows no bundle, and no two ways of writing an instant.
    beyond = {"a rule that there is not", "what cannot be judged and passes", "an instant without its offset"}
    for name, (case, _) in WRONG.items():
        assert name in beyond or not validator.is_valid(yaml.safe_load(case)), name
