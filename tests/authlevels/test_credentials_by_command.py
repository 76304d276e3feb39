"""``manage.py credentials``."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from authlevels import api
from isolation.clock import now
from tiergate import Verb


def run(*words: str) -> str:
    out = StringIO()
    call_command("credentials", *words, stdout=out)
    return out.getvalue().strip()


@pytest.mark.usefixtures("acme")
def test_a_credential_is_created_rotated_listed_and_revoked() -> None:
    first = run("create", "acme", "api", "--verb", "access.evaluate", "--return-to", "https://a.example")
    found = api.resolve_credential(first, at=now())
    assert found
    assert found.verbs == {Verb.ACCESS_EVALUATE}
    assert found.return_to_origins == ("https://a.example",)
    second = run("rotate", "acme", "api", "--overlap-seconds", "0")
    assert api.resolve_credential(first, at=now()) is None
    assert api.resolve_credential(second, at=now()) is not None
    assert second not in run("list", "acme")
    assert "api\taal1\taccess.evaluate" in run("list", "acme")
    run("revoke", "acme", "api")
    assert api.resolve_credential(second, at=now()) is None


@pytest.mark.parametrize(
    "words",
    [
        ("revoke", "acme", "nobody"),
        ("list", "nowhere"),
        ("create", "acme", "reports-api", "--verb", "access.evaluate"),
        ("create", "acme", "x", "--verb", "access.evaluate", "--return-to", "http://evil.example"),
        ("create", "acme", "x", "--verb", "access.nonsense"),
    ],
)
@pytest.mark.usefixtures("acme")
def test_what_cannot_be_is_said_in_a_sentence(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"[a-z]"):
        run(*words)
