"""One mistake is enough, and all of them are told, each with its line."""

import json
from collections.abc import Callable

import pytest
from django.core.management import call_command
from jsonschema import Draft202012Validator

from licensing.api import FileRefused
from licensing.catalog_file.desired import desired_catalogue
from licensing.catalog_file.source import read_text
from tests.files.conftest import SMALL, Apply


def mistakes(text: str) -> list[str]:
    """Read a catalogue that is wrong, and return what was told of it."""
    with pytest.raises(FileRefused) as refused:
        desired_catalogue(read_text("c.yaml", text.encode()))
    return list(refused.value.lines)


def changed(old: str, new: str) -> str:
    assert SMALL.count(old) == 1, f"{old!r} must stand once in the small catalogue"
    return SMALL.replace(old, new)


def test_the_small_catalogue_is_right() -> None:
    assert len(desired_catalogue(read_text("c.yaml", SMALL.encode())).plans) == 3


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("title: Exports, kind: switch", "title: Exports, kind: swich", 3, "must be one of switch, limit, config"),
        ("title: Exports, kind: switch", "titel: Exports, kind: switch", 3, "did you mean title?"),
        ("title: Exports, ", "", 3, "features.exports lacks title."),
        ("title: Exports,", "title: '',", 3, "features.exports.title must have 1 characters or more."),
        ("title: Calls, kind: limit", "title: 7, kind: limit", 4, "must be text, not 7."),
        ("{level: aal1}", "{level: aal9}", 2, "must be one of aal1, aal2, aal3, not the text 'aal9'."),
        ("{level: aal1}", "{}", 2, "features.reports.requires must have 1 entries or more."),
        ("{level: aal1}", "{max_age: 0}", 2, "must be 1 or more, not 0 (seconds"),
        ("{level: aal1}", "{max_age: 300.0}", 2, "must be a whole number, not 300.0"),
        ("{level: aal1}", "{max_age: 2592001}", 2, "must be 2592000 or less"),
        ("{level: aal1}", "{approvals: 11}", 2, "must be 10 or less"),
        ("{level: aal1}", "{phishing_resistant: yes}", 2, "must be true or false, not the text 'yes'."),
        ("feature: exports,", "feature: export,", 8, "names 'export', which is not among the features."),
        ("granted_to: [owner, member]", "granted_to: [owner, membr]", 7, "which is none of owner, admin"),
        ("granted_to: [owner, member]", "granted_to: [operator]", 7, "which is none of owner, admin"),
        ("granted_to: [owner, member]", "granted_to: [owner, owner]", 7, "must name nothing twice."),
        ("granted_to: [owner, member]", "privilege: operator.admin", 7, "lets people act in Tiergate itself"),
        ("granted_to: [owner, member]", "binds: [amount]", 7, "must be a dotted path that begins with subject"),
        ("granted_to: [owner, member]", "environments: {}", 7, "must have 1 entries or more"),
        (
            "granted_to: [owner, member]",
            "environments: {live: {requires: {level: aal2}}}",
            7,
            "cannot be a key: one of development, staging, production",
        ),
        ("granted_to: [owner, member]", "callers: [robot]", 7, "must be one of person, service"),
        ("  reports.read:", "  tiergate.tenant.read:", 7, "belong to Tiergate itself"),
        ("  reports.read:", "  Reports:", 7, "'Reports' in actions cannot be a key: 1 to 100 of a-z"),
        ("  reports.read:", '  "reports.read\\n":', 7, "cannot be a key"),
        ("amount: 4900", 'amount: "49.00"', 17, "must be a whole number, not the text '49.00' (in minor units"),
        ("amount: 4900", "amount: 49.5", 17, "must be a whole number, not 49.5"),
        ("amount: 4900", "amount: -1", 17, "must be 0 or more"),
        ("currency: eur", "currency: EUR", 17, "must be an ISO 4217 code in lower case"),
        ("interval: month", "interval: week", 17, "must be one of month, year, once"),
        ("rank: 2\n", "rank: 2000000\n", 16, "must be 1000000 or less"),
        ("exports: true, calls", "exprots: true, calls", 18, "is about 'exprots', which is not among"),
        ("exports: true, calls", "exports: {limit: 1}, calls", 18, "is about a switch"),
        ("calls: {unlimited: true}", "calls: true", 18, "is about a limit: it must have either"),
        ("calls: {unlimited: true}", "calls: {unlimited: true, limit: 5}", 18, "is about a limit: it must have either"),
        ("calls: {unlimited: true}", "calls: {unlimited: false}", 18, "must be true or be left out, not false"),
        ("calls: {unlimited: true}", "calls: {per: day}", 18, "is about a limit: it must have either"),
        ("calls: {unlimited: true}", "calls: {limit: -1}", 18, "must be 0 or more"),
        ("calls: {unlimited: true}", "calls: ~", 18, "must be true or false or a mapping, not empty"),
        ("days: {value: 90}", "days: true", 18, "is about a config"),
        ("days: {value: 90}", "days: {value: null}", 18, "not empty"),
        ("days: {value: 90}", "days: {}", 18, "is about a config"),
        ("plans:\n", "plan:\n", 1, "the file lacks plans."),
        ("plans:\n", "plan:\n", 9, "did you mean plans?"),
        ("add_ons:\n", "roles: {boss: {privileges: [nothing.known]}}\nadd_ons:\n", 19, "which no action needs"),
        ("add_ons:\n", "roles: {operator: {requires: {level: aal2}}}\nadd_ons:\n", 19, "is the vendor's own role"),
    ],
)
def test_a_mistake_is_told_on_its_line(old: str, new: str, line: int, said: str) -> None:
    told = mistakes(changed(old, new))
    assert any(one.startswith(f"c.yaml:{line}: ") and said in one for one in told), told


def test_every_mistake_is_told_in_order_whatever_its_kind() -> None:
    text = (
        changed("kind: limit}", "kind: limit, kind: limit}")
        .replace("aal1", "aal7")
        .replace("feature: exports,", "feature: x,")
    )
    assert [one.split(" ")[0] for one in mistakes(text)] == ["c.yaml:2:", "c.yaml:4:", "c.yaml:8:"]


@pytest.mark.parametrize("text", ["[]", "text", "1", "true", "{}", "{features: [], actions: 1, plans: ~}", "- a\n- b"])
def test_what_is_no_catalogue_is_refused(text: str) -> None:
    assert mistakes(text)


def test_a_flood_of_mistakes_is_cut_short() -> None:
    told = mistakes(SMALL + "x:\n" + "".join(f"key{number}: 1\n" for number in range(50_000)))
    assert len(told) < 210
    assert any("more mistakes" in one for one in told)


@pytest.mark.django_db
def test_a_refused_file_writes_nothing(apply: Apply, footprint: Callable[[], list[object]]) -> None:
    apply("catalog", SMALL)
    before = footprint()
    ran = apply("catalog", changed("rank: 1", "rank: 7").replace("kind: config", "kind: confg"))
    assert (ran.code, ran.out) == (1, [])
    assert ran.err == ["catalog.yaml:5: features.days.kind must be one of switch, limit, config, not the text 'confg'."]
    assert footprint() == before


@pytest.mark.django_db
def test_what_the_catalogue_itself_stands_against_is_told_on_its_line(
    apply: Apply, footprint: Callable[[], list[object]]
) -> None:
    apply("catalog", SMALL)
    before = footprint()
    other = changed("title: Days kept, kind: config", "title: Days kept, kind: switch").replace("{value: 90}", "true")
    ran = apply("catalog", other.replace("title: Reports", "title: Other"))
    assert (ran.code, len(ran.err)) == (1, 1)
    assert ran.err[0].startswith("catalog.yaml:5: ")
    assert footprint() == before


@pytest.mark.parametrize("command", ["catalog", "tenants"])
def test_the_schema_is_printed_and_is_one(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    call_command(command, "schema")
    schema = json.loads(capsys.readouterr().out)
    Draft202012Validator.check_schema(schema)
    assert schema["$id"].startswith("urn:tiergate:schema:")
