"""Whatever is wrong with a bundle is told at once, with file, line, column and a caret."""

import pytest

from tests.policy.bundles import ABOUT, files, refused, rule
from tiergate.policy import BundleRefused, PolicyError, compile_bundle

# One condition in each way that YAML has of writing a text; what is misspelt stands at the line and column that follow.
WRITTEN = {
    "plain": ("when: 1 < 2 && amuont > 5", 3, 18),
    "plain over two lines": ("when: 1 < 2 &&\n    amuont > 5", 4, 5),
    "single quotes": ("when: '1 < 2 && amuont > 5'", 3, 19),
    "a doubled quote before it": ("when: ' ''a'' == ''b'' && amuont > 5'", 3, 29),
    "double quotes": ('when: "1 < 2 && amuont > 5"', 3, 19),
    "an escape before it": ('when: "\\"\\u0061\\" == \'b\' && amuont > 5"', 3, 31),
    "double quotes over two lines": ('when: "1 < 2\n    && amuont > 5"', 4, 8),
    "a line joined by a backslash": ('when: "1 < 2 \\\n    && amuont > 5"', 4, 8),
    "a block": ("when: |\n    1 < 2\n    && amuont > 5", 5, 8),
    "a block with more before it": ("when: |2-\n\n    1 < 2 &&\n      amuont > 5", 6, 7),
    "a folded block": ("when: >-\n    1 < 2\n    && amuont > 5", 5, 8),
    "a folded block with empty lines": ("when: >\n    1 < 2 &&\n\n      true &&\n    amuont > 5", 7, 5),
    "letters of several bytes before it": ('when: \'"Zoë😀" == "" && amuont > 5\'', 3, 26),
}


@pytest.mark.parametrize(("written", "line", "column"), WRITTEN.values(), ids=WRITTEN)
def test_a_misspelt_name_is_pointed_at_however_its_condition_is_written(written: str, line: int, column: int) -> None:
    text = f"- id: one\n  on: {{actions: [a]}}\n  {written}\n  forbid: true\n  because: So.\n  owner: security\n"
    (error,) = refused(text)
    assert (error.file, error.line, error.column) == ("rules/a.yaml", line, column)
    assert error.message == "undeclared reference to 'amuont'"
    assert error.source_line[column - 1 :].startswith("amuont")


def test_an_error_is_printed_with_its_line_and_a_caret_under_the_column() -> None:
    error = PolicyError(file="rules/a.yaml", line=12, column=4, message="no", source_line="\t漢x = y")
    assert str(error) == "rules/a.yaml:12:4: no\n  \t漢x = y\n  \t   ^"


def test_a_line_of_a_megabyte_is_shown_around_its_column() -> None:
    error = PolicyError(file="a", line=1, column=500_000, message="no", source_line="x" * 499_999 + "!" + "y" * 500_000)
    first, shown, caret = str(error).split("\n")
    assert (first, len(shown) < 200) == ("a:1:500000: no", True)
    assert shown[caret.index("^")] == "!"


def test_what_would_move_a_cursor_is_not_printed() -> None:
    error = PolicyError(file="a", line=1, column=1, message="no \x1b[2J", source_line="\x1b[31m\u202ered")
    assert "\x1b" not in str(error)
    assert "\u202e" not in str(error)


def test_all_errors_of_all_files_are_told_at_once_in_order() -> None:
    wrong = rule("risk.bnd == 'low' && amuont > 1") + rule(says="require: {level: aal9, approvals: 99}", name="two")
    errors = refused(wrong, rules_b="- id: Three\n  on: {action: [a]}\n  forbid: false\n  because: ''\n")
    assert [(one.file, one.line, one.column, one.message.partition(":")[0]) for one in errors] == [
        ("rules/a.yaml", 4, 9, "undeclared reference to 'risk.bnd'"),
        ("rules/a.yaml", 4, 26, "undeclared reference to 'amuont'"),
        ("rules/a.yaml", 10, 20, "'aal9' is not a valid Level"),
        ("rules/a.yaml", 10, 37, "approvals must be from 0 to 10, not 99"),
        ("rules/b.yaml", 1, 3, "a rule needs 'owner'"),
        ("rules/b.yaml", 1, 7, "an id is small letters, digits and single - _ . between them, 100 at the most"),
        ("rules/b.yaml", 2, 8, "unknown member 'action'"),
        ("rules/b.yaml", 3, 11, "a rule that does not forbid has no 'forbid'"),
        ("rules/b.yaml", 4, 12, "because says something, in 500 characters at the most"),
    ]


def test_a_misspelt_field_is_told_what_there_is() -> None:
    (error,) = refused(rule("transaction.amuont > 5"))
    assert error.message.endswith(": transaction has is_present, type, amount, currency")


def test_an_id_stands_once_in_a_bundle_whatever_the_file() -> None:
    (error,) = refused(rule(), rules_b="# b\n" + rule())
    assert (error.file, error.line, error.message) == (
        "rules/b.yaml",
        2,
        "there is a rule 'one' already: rules/a.yaml:1",
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"rules/a.yml": ""},
        {"rules/deeper/a.yaml": ""},
        {"rules/../../etc/a.yaml": ""},
        {"rule/a.yaml": ""},
        {"rules/a.yaml": ""},
        {"rules/a.yaml": "# nothing\n"},
    ],
    ids=lambda wrong: f"{next(iter(wrong))} {next(iter(wrong.values()))!r}",
)
def test_a_file_that_would_not_be_read_is_refused_and_not_passed_over(wrong: dict[str, str]) -> None:
    with pytest.raises(BundleRefused):
        compile_bundle({"bundle.yaml": ABOUT, **wrong})


@pytest.mark.parametrize("about", ["", "[]", ABOUT.replace("1", "2"), ABOUT.replace("1", "true"), ABOUT + "x: y\n"])
def test_a_bundle_says_what_it_is_and_how_it_is_written(about: str) -> None:
    with pytest.raises(BundleRefused):
        compile_bundle({**files(rule()), "bundle.yaml": about})
    with pytest.raises(BundleRefused, match=r"bundle\.yaml:1:1: a bundle needs this file"):
        compile_bundle({"rules/a.yaml": rule()})
