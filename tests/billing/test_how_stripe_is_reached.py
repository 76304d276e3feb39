"""Where the key goes and which webhooks are believed is said in the environment, and what is said wrongly is refused."""

import pytest
import stripe
from django.core.exceptions import ImproperlyConfigured

from billing.errors import StripeRefused, StripeUnavailable
from billing.gateway import translated
from config.billing import StripeSettings, read_stripe
from tiergate import TiergateError

SECRET = "whsec_of_the_tests"
LIVE, TEST = "sk_live_12345678", "rk_test_12345678"


def read(monkeypatch: pytest.MonkeyPatch, **said: str) -> StripeSettings:
    for name in ("STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRETS", "STRIPE_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(f"STRIPE_{name}", value)
    return read_stripe()


def test_without_a_key_there_is_no_billing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not read(monkeypatch).is_on
    assert not read(monkeypatch, WEBHOOK_SECRETS=SECRET).is_live


def test_a_key_says_whether_money_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read(monkeypatch, API_KEY=LIVE, WEBHOOK_SECRETS=SECRET).is_live
    found = read(
        monkeypatch, API_KEY=TEST, WEBHOOK_SECRETS=f"{SECRET}, whsec_another_one", API_BASE="http://127.0.0.1:9/"
    )
    assert (found.is_live, found.secrets, found.api_base) == (
        False,
        (SECRET, "whsec_another_one"),
        "http://127.0.0.1:9",
    )


@pytest.mark.parametrize(
    "said",
    [
        {"API_KEY": LIVE},
        {"API_KEY": "pk_live_12345678", "WEBHOOK_SECRETS": SECRET},
        {"API_KEY": TEST, "WEBHOOK_SECRETS": f"{SECRET},secret_of_the_tests"},
        {"API_KEY": LIVE, "WEBHOOK_SECRETS": SECRET, "API_BASE": "http://127.0.0.1:9"},
        *(
            {"API_KEY": TEST, "WEBHOOK_SECRETS": SECRET, "API_BASE": base}
            for base in (
                "http://stripe.evil.example:80",
                "http://127.0.0.1",
                "http://127.0.0.1@evil.example:80",
                "https://127.0.0.1:9",
                "http://127.0.0.1:9/v1",
                "http://127.0.0.1:no",
            )
        ),
    ],
    ids=range(10),
)
def test_a_key_that_would_go_astray_or_webhooks_that_anybody_could_write_are_refused(
    monkeypatch: pytest.MonkeyPatch, said: dict[str, str]
) -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        read(monkeypatch, **said)
    assert not any(one in str(refused.value) for one in (LIVE, TEST, SECRET))


@pytest.mark.parametrize(
    ("status", "refusal"),
    [
        *((one, StripeUnavailable) for one in (None, 409, 429, 500, 503)),
        *((one, StripeRefused) for one in (400, 402, 404)),
    ],
)
def test_what_stripe_could_not_do_is_asked_again_and_what_it_refuses_is_not(
    status: int | None, refusal: type[TiergateError]
) -> None:
    with pytest.raises(refusal), translated():
        raise stripe.StripeError("No.", http_status=status)
