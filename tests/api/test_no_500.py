"""Whatever the document allows to be sent, and some of what it does not: no error is ours, and every answer is as told."""

from typing import Any

import pytest
import schemathesis
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from config.wsgi import application
from tests.api.asking import aimed, callers, is_signed_in, put_dora, real_values, sign_in
from tests.decisions.conftest import World

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CALLERS = ["vendor", "tenant", "person", "nobody"]


def ask_everything(world: World, client: Client, caller: str, *, examples: int) -> int:
    """Ask every operation as one kind of caller; gives how many requests were made."""
    put_dora(world)
    headers = callers(world)
    real = real_values(world, client)
    schema = schemathesis.openapi.from_wsgi("/api/openapi.yaml", app=application)
    asked, surprises, shown = 0, [], headers.get(caller, "")
    for found in schema.get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr]  # an operation that cannot be read raises here
        if caller == "person" and not is_signed_in(shown):
            shown = sign_in(world)
        try:
            asked += ask_often(operation, {"Authorization": shown} if shown else {}, real, examples=examples)
        except (FailureGroup, Failure) as surprise:
            surprises.append(f"{operation.label}: {surprise} {getattr(surprise, 'exceptions', '')}")
    assert not surprises, "\n\n".join(surprises)
    return asked


def ask_often(operation: Any, headers: dict[str, str], real: dict[str, list[str]], *, examples: int) -> int:
    """Ask one operation with what it documents, and with what it does not; gives how many requests were made."""
    asked = 0
    drawn = st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
    )

    @given(case=drawn, data=st.data())
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def ask(case: Any, data: st.DataObject) -> None:
        nonlocal asked
        asked += 1
        aimed(case, data.draw, real).call_and_validate(headers=headers, checks=CHECKS)

    ask()
    return asked


@pytest.mark.storm
@pytest.mark.parametrize("caller", ["vendor", "person"])
def test_a_few_requests_to_every_address_end_as_the_document_says(world: World, client: Client, caller: str) -> None:
    assert ask_everything(world, client, caller, examples=2) > 60


@pytest.mark.storm
@pytest.mark.parametrize("caller", CALLERS)
def test_many_requests_to_every_address_end_as_the_document_says(world: World, client: Client, caller: str) -> None:
    assert ask_everything(world, client, caller, examples=25) > 400
