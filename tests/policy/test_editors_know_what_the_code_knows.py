"""The JSON Schemas that are published accept what the code accepts, and are made from it."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import tiergate.policy
from bench.policy import REQUEST
from tests.policy.bundles import ABOUT, bundle, refused, rule
from tests.policy.test_what_a_bundle_promises_is_proved import REFUSED, invariant
from tiergate.policy import BundleRefused
from tiergate.policy.cases import read_cases
from tiergate.policy.json_schemas import list_schemas
from tiergate.policy.proving import read_invariants

FOLDER = Path(tiergate.policy.__file__).parent / "schemas"


def _check(name: str, value: object) -> None:
    schema: dict[str, Any] = json.loads(list_schemas()[name])
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(value)


def test_the_published_files_are_what_the_code_says() -> None:
    published = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert published == list_schemas(), "write what list_schemas() gives into tiergate/policy/schemas/"


def test_they_accept_a_bundle_and_a_request() -> None:
    text = rule('risk.band == "high"') + rule(name="b", says="require: {level: aal2, max_age: 900, approvals: 1}")
    assert bundle(text).rules
    _check("rules.json", yaml.safe_load(text.replace("on:", '"on":')))
    _check("bundle.json", yaml.safe_load(ABOUT))
    cases = (
        "- it: does so\n  given: {risk: {band: high}}\n  want: {outcome: asks, require: {level: aal2}, rules: [one]}\n"
    )
    assert read_cases(bundle(text, tests_a=cases))
    _check("tests.json", yaml.safe_load(cases))
    _check("request.json", REQUEST.to_json())


@pytest.mark.parametrize(
    "text",
    [
        rule() + "  requires: {}\n",
        rule(says="require: {level: aal0}"),
        rule(says="require: {}"),
        rule(says="forbid: false"),
        rule(says="forbid: true\n  require: {level: aal2}"),
        rule(on="{actions: []}"),
        rule(on="{actions: ['***']}"),
        rule(on="{}"),
        rule(name="One"),
        rule().replace("So it is.", '""'),
    ],
)
def test_they_refuse_what_the_code_refuses(text: str) -> None:
    assert refused(text)
    with pytest.raises(jsonschema.ValidationError):
        _check("rules.json", yaml.safe_load(text.replace("on:", '"on":')))


WAIVER = "  waiver: {owner: me, until: '2027-01-31', because: So.}\n"
WORD = "- id: promise\n  given_up: {owner: me, until: '2027-01-31', because: So.}\n"
PROMISES = ("never_below: {level: aal2}", "never_lowered: true", "forbidden: true", "satisfiable_by: [passkey, totp]")


def test_they_accept_every_kind_of_promise() -> None:
    text = "".join(invariant(says=says).replace("promise", f"p{at}") + WAIVER for at, says in enumerate(PROMISES))
    assert len(read_invariants(bundle(rule(), invariants_a=text + WORD))) == len(PROMISES)
    _check("invariants.json", yaml.safe_load((text + WORD).replace("on:", '"on":')))


@pytest.mark.parametrize(
    "text",
    [
        *(invariant(says=says) for says in REFUSED if not says.startswith("never_below: {level: aal1}")),
        invariant() + WAIVER.replace("2027-01-31", "20270131"),
        invariant(on="{}"),
        invariant().replace("owner: security", "owner: ''"),
        WORD + "  forbidden: true\n",
        WORD.replace("owner: me, ", ""),
        WORD.replace("2027-01-31", "soon"),
    ],
)
def test_they_refuse_promises_that_the_code_refuses(text: str) -> None:
    with pytest.raises(BundleRefused):
        read_invariants(bundle(rule(), invariants_a=text))
    with pytest.raises(jsonschema.ValidationError):
        _check("invariants.json", json.loads(json.dumps(yaml.safe_load(text.replace("on:", '"on":')), default=str)))
