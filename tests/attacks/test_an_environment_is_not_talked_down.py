"""What a caller calls its environment never asks less than what the tenant says it is."""

import pytest
from msgspec.structs import replace

from tests.kernel.case_vocabulary import facts_of
from tiergate import EnvironmentSensitivity, Outcome, decide

DECLARED = {"eu-live": EnvironmentSensitivity.PRODUCTION, "eu-test": EnvironmentSensitivity.STAGING}
NAMES = ["development", "staging", "EU-TEST", "eu-test ", "eu-test\x00", "", "eu-live", "none", "__class__", "é"]


@pytest.mark.parametrize("name", [*NAMES, None])
def test_no_name_but_a_declared_one_asks_for_less(name: str | None) -> None:
    asked = replace(
        facts_of({"action": "releases.deploy", "environment": "eu-test"}), environment=name, environments=DECLARED
    )
    assert decide(replace(asked, environment="eu-test")).outcome == Outcome.ALLOW
    assert decide(asked).outcome == Outcome.STEP_UP
