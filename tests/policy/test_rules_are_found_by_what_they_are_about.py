"""A rule is asked where any of its actions, features and scopes match; of more rules nobody notices."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.policy import REQUEST, make_bundle
from tests.policy.bundles import bundle, request, rule
from tiergate.policy import Request
from tiergate.policy.globs import first_part, is_match, pieces
from tiergate.policy.index import Names

GLOBS = {
    "data.export": {"data.export"},
    "data.*": {"data.export", "data.", "data.x"},
    "*.export": {"data.export", ".export"},
    "data.**": {"data.export", "data.", "data.a.b", "data.x"},
    "**": {"data.export", "data", "data.", "data.a.b", "data.x", ".export", "x"},
    "*": {"data", "x"},
    "d*t*": {"data"},
    "**.*": {"data.export", "data.", "data.a.b", "data.x", ".export"},
    "data": {"data"},
    "**a.b": {"data.a.b"},
}


@pytest.mark.parametrize("glob", GLOBS)
def test_one_star_stays_within_a_part_and_two_do_not(glob: str) -> None:
    names = set().union(*GLOBS.values())
    assert {name for name in names if is_match(pieces(glob), name)} == GLOBS[glob]


def test_no_name_makes_a_pattern_slow() -> None:
    assert not is_match(pieces("*a" * 40 + "**b" * 20), "a" * 1024)


@settings(deadline=None)
@given(st.lists(st.lists(st.text("ab.*", min_size=1, max_size=5), max_size=3), max_size=6), st.text("ab.", max_size=5))
def test_the_index_finds_what_asking_each_rule_would(globs: list[list[str]], name: str) -> None:
    fit = [tuple(one for one in given_globs if "***" not in one) for given_globs in globs]
    one_by_one = {
        number
        for number, given_globs in enumerate(fit)
        if not given_globs or (name and any(is_match(pieces(one), name) for one in given_globs))
    }
    assert Names(fit).find(name) == one_by_one
    assert all(first_part(one) in {None, name.partition(".")[0]} for one in sum(fit, ()) if is_match(pieces(one), name))


def _about(on: str, **action: object) -> bool:
    told = {"name": "data.export", "feature": "exports", "scopes": ["exports:write", "all"]} | action
    return bundle(rule(on=on)).ask(
        request(action={key: one for key, one in told.items() if one is not None})
    ).matched == ("one",)


@pytest.mark.parametrize(
    ("on", "is_about"),
    [
        ("{actions: [x, 'data.*']}", True),
        ("{actions: [x]}", False),
        ("{features: ['exp*']}", True),
        ("{features: [imports]}", False),
        ("{scopes: ['exports:*']}", True),
        ("{scopes: [exports]}", False),
        ("{actions: ['data.*'], features: [exports], scopes: [all]}", True),
        ("{actions: ['data.*'], features: [imports], scopes: [all]}", False),
        ("{actions: ['data.*'], features: [exports], scopes: [none]}", False),
    ],
)
def test_each_kind_of_name_that_a_rule_gives_has_to_match(on: str, *, is_about: bool) -> None:
    assert _about(on) == is_about


def test_an_action_without_a_feature_is_none_that_rules_on_features_are_about() -> None:
    assert not _about("{features: ['**']}", feature="")
    assert not _about("{scopes: ['**']}", scopes=[])


def test_where_nobody_knows_what_a_request_is_about_every_rule_is() -> None:
    for unknown in ({"name": None}, {"name": ""}, {"feature": None}, {"scopes": None}, {"name": "x" * 1025}):
        assert _about("{actions: [data.export], features: [exports], scopes: [all]}", **unknown)


def test_of_hundreds_of_rules_the_same_handful_is_asked() -> None:
    few, many = make_bundle(20), make_bundle(300)
    assert [one.rule.id for one in many.judge(REQUEST)] == [one.rule.id for one in few.judge(REQUEST)]
    assert len(many.judge(REQUEST)) == 5
    assert many.ask(REQUEST) == few.ask(REQUEST)


def test_what_was_found_for_one_request_is_not_given_to_another() -> None:
    found = bundle(
        rule(on="{actions: [a]}", name="a") + rule(on="{features: [f]}", name="f") + rule(on="{scopes: [s]}", name="s")
    )
    for action, feature, scope in product(("a", "b"), ("f", "g"), ("s", "t")):
        asked = Request.from_json({"action": {"name": action, "feature": feature, "scopes": [scope]}})
        want = tuple(one for one, named in zip("afs", (action, feature, scope), strict=True) if one == named)
        for _ in range(2):
            assert found.ask(asked).matched == want
