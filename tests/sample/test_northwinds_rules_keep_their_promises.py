"""Northwind's own bundle is good: every rule is tried, every promise proved, and it is about actions that there are."""

from datetime import date

import pytest
import yaml

from config.demo.tour.ruling import candidate_files
from config.embedded.paths import CHECKOUT
from tiergate.policy import compile_bundle, try_bundle
from tiergate.policy.folder import read_folder
from tiergate.policy.formatting import format_file
from tiergate.policy.proving import verify

NORTHWIND = CHECKOUT / "sample" / "northwind"
FILES = read_folder(NORTHWIND / "policies")


@pytest.mark.parametrize("files", [FILES, candidate_files()], ids=["as it is", "as the tour makes it stricter"])
def test_its_cases_pass_and_its_promises_are_proved_and_none_is_given_up(files: dict[str, str]) -> None:
    bundle = compile_bundle(files)
    trial = try_bundle(bundle)
    assert (trial.failed, trial.untried, trial.waived) == ((), (), ())
    report = verify(bundle, today=date(2026, 11, 23), base=compile_bundle(FILES))
    assert [one.outcome.value for one in report.findings] == ["proved"] * 4
    assert (report.given_up, report.is_accepted) == ((), True)


def test_it_is_laid_out_and_is_about_actions_of_the_catalogue() -> None:
    assert {path: format_file(path, text) for path, text in FILES.items()} == FILES
    known = set(yaml.safe_load((NORTHWIND / "catalog.yaml").read_text())["actions"])
    named = {action for rule in compile_bundle(FILES).rules.values() for action in rule.actions}
    assert {one for one in named if "*" not in one} <= known
