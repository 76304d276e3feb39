"""The bench of decisions names the functions that it times: one that was renamed would end it after minutes of load."""

from importlib import import_module

import pytest

from bench.stages import STAGES


@pytest.mark.parametrize(("title", "module", "name"), STAGES)
def test_every_stage_is_a_function_that_is_there(title: str, module: str, name: str) -> None:
    assert callable(getattr(import_module(module), name)), title
