"""YAML is read so that it means the same to everybody, and costs little whatever it holds."""

import pytest

from tests.policy.bundles import bundle, files, refused, rule
from tiergate.policy import compile_bundle

WRONG = {
    "an alias that grows": ("a: &a [x]\nb: [*a, *a]\n", "1:4: anchors and aliases"),
    "a merge": (rule() + "  <<: {forbid: true}\n", "6:3: nothing is merged"),
    "a tag of Python": ("- !!python/object/apply:os.system ['true']\n", "1:3: tags are not"),
    "a tag of our own": ("- !rule {id: a}\n", "1:3: tags are not"),
    "a directive": ("%YAML 1.2\n---\n- a\n", "1:1: directives"),
    "a second document": ("---\n- a\n---\n- b\n", "3:1: a file holds one"),
    "a key twice": (rule() + "  because: Or so.\n", "6:3: 'because' stands here twice, first in line 4"),
    "a key that is a list": ("- {[a]: b}\n", "1:4: a key is a text"),
    "a NUL": ("- id: a\x00\n", "1:8: the character U+0000"),
    "a NUL, escaped": (rule().replace("So it is.", '"\\0"'), "4:12: the character U+0000"),
    "a letter that turns text around": (rule().replace("So", "S\u202eo"), "4:13: the character U+202E"),
    "an end of line that editors count and YAML does not": ("- id: a\u2028b\n", "1:8: the character U+2028"),
    "a lone CR": ("- id: a\r  on: b\r", "1:8: the character U+000D"),
    "a byte order mark inside": ("- \ufeffid: a\n", "1:3: the character U+FEFF"),
    "half of a surrogate pair": ("- id: \ud800\n", "1:7: the character U+D800"),
    "a tab that indents": ("-\tid: a\n", "1:2: found character that cannot start any token"),
    "a hundred thousand lists in lists": ("[" * 100_000, "1:18: nothing goes deeper than 16"),
    "more than a mebibyte": ("#" * 1_048_577, "1:1: larger than"),
    "a rule that is nothing": ("- \n", "1:2: a rule is a mapping"),
    "a word that is true to some": (rule().replace("security", "on"), "5:10: put on in quotes"),
    "a number for a text": (rule().replace("security", "0x1F"), "5:10: put 0x1F in quotes"),
    "a number that is octal to some": (rule(says="require: {max_age: 0900}"), "3:22: put 0900 in quotes"),
    "a truth that is a text": (rule(says='forbid: "true"'), "3:11: true or false is meant"),
    "a requirement of nothing": (rule(says="require: {}"), "3:12: a requirement is a mapping"),
    "a requirement's member left empty": (rule(says="require: {level: aal2, max_age: }"), "3:35: max_age says nothing"),
    "both require and forbid": (rule(says="forbid: true\n  require: {level: aal2}"), "1:3: a rule has one of"),
    "neither": (rule(says="waives_tests: no"), "1:3: a rule has one of"),
    "no target": (rule(on="{}"), "2:7: on names actions, features or scopes"),
    "an empty list of targets": (rule(on="{actions: []}"), "2:17: actions is a list of names"),
    "three stars": (rule(on="{actions: ['a.***']}"), "2:18: 'a.***' is no name"),
}


@pytest.mark.parametrize(("text", "says"), WRONG.values(), ids=WRONG)
def test_what_could_be_read_in_two_ways_is_refused(text: str, says: str) -> None:
    errors = [f"{one.line}:{one.column}: {one.message}" for one in refused(text)]
    assert any(one.startswith(says) for one in errors), errors


def test_a_file_with_very_much_wrong_is_told_of_in_a_hundred_errors() -> None:
    many = "- {" + ",".join(f"k{number}: 1" for number in range(5_000)) + "}"
    assert len(refused(many)) == 100


AS_JSON = (
    '[{"owner": "security", "because": "So  it is.", "forbid": true, "when": "risk.band == \'high\'", '
    '"on": {"actions": ["**"]}, "id": "one"}]'
)


@pytest.mark.parametrize(
    "otherwise",
    [
        rule("risk.band == 'high'").replace("\n", "\r\n"),
        "\ufeff" + rule("risk.band == 'high'"),
        "# why\n\n---\n" + rule("risk.band == 'high'"),
        AS_JSON,
        rule("risk.band == 'high'") + "  waives_tests: no\n",
    ],
    ids=["CRLF", "byte order mark", "comments", "as JSON", "a default written out"],
)
def test_equal_bundles_have_one_digest_however_they_are_laid_out(otherwise: str) -> None:
    assert bundle(otherwise).digest == bundle(rule("risk.band == 'high'")).digest


def test_rules_may_move_between_files_and_keep_the_digest() -> None:
    one, two = rule(name="one"), rule(name="two")
    assert bundle(one + two).digest == bundle(two, rules_b=one).digest


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("So it is.", "So it was."),
        ("security", "platform"),
        ("forbid: true", "require: {level: aal1}"),
        ("'**'", "'*'"),
        ("'high'", "'low'"),
        ("id: one", "id: two"),
    ],
)
def test_whatever_a_rule_says_is_in_the_digest(was: str, becomes: str) -> None:
    text = rule("risk.band == 'high'")
    assert was in text
    assert bundle(text.replace(was, becomes)).digest != bundle(text).digest


def test_tests_invariants_and_what_the_bundle_is_are_in_the_digest() -> None:
    plain = bundle(rule())
    others = [
        bundle(rule(), tests_a="- it: is so\n"),
        bundle(rule(), tests_a="- it: is otherwise\n"),
        bundle(rule(), invariants_a="- it: is so\n"),
        compile_bundle({**files(rule()), "bundle.yaml": files("")["bundle.yaml"].replace("acme", "globex")}),
    ]
    assert len({one.digest for one in [plain, *others]}) == 5
