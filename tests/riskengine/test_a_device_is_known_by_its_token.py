"""A device is known by its token alone, and a token that is not ours is no device."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from riskengine import api as risk

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
OLD, NEW, OTHERS = b"o" * 32, b"n" * 32, b"x" * 32


@pytest.fixture(autouse=True)
def _ring(settings: Any) -> None:
    settings.KEY_RING = {"2026": OLD}


def _id_of(token: object, at: datetime = NOON) -> str | None:
    device = risk.read_device_token(token, at=at)
    return device.id if device else None


def test_a_token_names_its_device_and_two_devices_are_two() -> None:
    tokens = [risk.new_device_token(at=NOON) for _ in range(2)]
    ids = [_id_of(token) for token in tokens]
    assert all(one is not None and len(one) == 32 for one in ids)
    assert len(set(ids)) == 2
    assert risk.see(at=NOON, device_token=tokens[0]).device == ids[0]


def test_a_token_is_good_for_400_days_and_no_longer() -> None:
    token = risk.new_device_token(at=NOON)
    assert _id_of(token, NOON + timedelta(days=400)) is not None
    assert _id_of(token, NOON + timedelta(days=401)) is None


def test_a_token_of_a_day_to_come_is_none_but_of_a_clock_that_is_ahead() -> None:
    token = risk.new_device_token(at=NOON)
    assert _id_of(token, NOON - timedelta(hours=13)) is not None
    assert _id_of(token, NOON - timedelta(days=2)) is None


def test_a_token_of_another_installation_is_none(settings: Any) -> None:
    token = risk.new_device_token(at=NOON)
    settings.KEY_RING = {"2026": OTHERS}
    assert _id_of(token) is None


def test_a_token_outlives_a_rotation_and_ends_with_its_key(settings: Any) -> None:
    token = risk.new_device_token(at=NOON)
    device = _id_of(token)
    settings.KEY_RING = {"2027": NEW, "2026": OLD}
    assert _id_of(token) == device
    settings.KEY_RING = {"2027": NEW}
    assert _id_of(token) is None


def test_a_token_is_signed_anew_by_a_newer_key_and_names_the_same_device(settings: Any) -> None:
    device = risk.read_device_token(risk.new_device_token(at=NOON), at=NOON)
    assert device is not None
    assert risk.renewed_device_token(device) is None
    settings.KEY_RING = {"2027": NEW, "2026": OLD}
    assert _id_of(risk.renewed_device_token(device)) == device.id
    settings.KEY_RING = {"2027": NEW}
    assert _id_of(risk.renewed_device_token(device)) == device.id


@pytest.mark.parametrize("ring", [{"2026": OLD}, {"2027": NEW, "2026": OLD}], ids=["the same key", "a newer key"])
def test_no_door_lengthens_the_life_of_a_token(settings: Any, ring: dict[str, bytes]) -> None:
    """Who copied it shows it where they prove who they are themselves, again and again."""
    token = risk.new_device_token(at=NOON)
    settings.KEY_RING = ring
    for day in range(30, 400, 30):
        later = NOON + timedelta(days=day)
        token = risk.kept_device_token(token, at=later)
        response = HttpResponse()
        risk.keep_device_token(response, token, at=later)
        cookie = response.cookies[risk.device_cookie_name()]
        token = cookie.value
        assert cookie["max-age"] == (400 - day) * 86400
    assert _id_of(token, NOON + timedelta(days=400)) is not None
    assert _id_of(token, NOON + timedelta(days=401)) is None


def test_no_character_of_a_token_can_be_changed() -> None:
    token = risk.new_device_token(at=NOON)
    device = _id_of(token)
    for place, was in enumerate(token):
        for other in "A_":
            if other == was:
                continue
            found = _id_of(token[:place] + other + token[place + 1 :])
            # The last digit holds bits that stand for nothing.
            assert found is None or (place == len(token) - 1 and found == device)


def test_a_voucher_for_something_else_makes_no_token() -> None:
    from isolation.api import vouched  # noqa: PLC0415 - what another room signs

    said = bytes(18)
    voucher = vouched(b"tgd1." + said, purpose="another")
    assert _id_of("tgd1." + base64.urlsafe_b64encode(said + voucher).decode().rstrip("=")) is None


@pytest.mark.parametrize(
    "sent",
    [
        *("", "tgd1.", "tgd1.AAAA", "tgd2." + "A" * 72, "tgd1." + "A" * 72, "tgd1." + "A" * 73, "tgd1." + "_" * 72),
        *("tgd1." + "A" * 100_000, "tgd1." + "A" * 71 + "\x00", "tgd1." + "é" * 72, "\ud800" * 77, "tgd1." + "=" * 72),
        *(None, 5, b"tgd1." + b"A" * 72, {"token": "tgd1."}, ["tgd1."], True),
    ],
    ids=lambda sent: repr(sent)[:30],
)
def test_what_has_no_shape_of_a_token_is_no_device_and_no_error(sent: object) -> None:
    assert risk.read_device_token(sent, at=NOON) is None
    assert risk.see(at=NOON, device_token=sent).device is None


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=120))
def test_no_text_is_a_token_by_chance(text: str) -> None:
    assert risk.read_device_token("tgd1." + text, at=NOON) is None


# -- The cookie


def _request(cookie: str | None = None) -> Any:
    request = RequestFactory().get("/")
    if cookie is not None:
        request.COOKIES[risk.device_cookie_name()] = cookie
    return request


def test_a_browser_keeps_its_device_where_no_script_and_no_other_host_reaches_it(settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = True
    response = HttpResponse()
    token = risk.device_token_in(_request(), at=NOON)
    risk.keep_device_token(response, token, at=NOON)
    cookie = response.cookies["__Host-tiergate-device"]
    assert cookie.value == token
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
    assert (cookie["path"], cookie["domain"], cookie["max-age"]) == ("/", "", 400 * 86400)


def test_a_browser_over_plain_http_as_in_the_demo_keeps_it_under_another_name(settings: Any) -> None:
    settings.SESSION_COOKIE_SECURE = False
    response = HttpResponse()
    risk.keep_device_token(response, risk.new_device_token(at=NOON), at=NOON)
    assert list(response.cookies) == ["tiergate-device"]
    assert not response.cookies["tiergate-device"]["secure"]


def test_a_browser_that_comes_back_is_the_same_device() -> None:
    token = risk.device_token_in(_request(), at=NOON)
    assert risk.device_token_in(_request(token), at=NOON) == token
    device = risk.device_in(_request(token), at=NOON)
    assert device is not None
    assert device.id == _id_of(token)


def test_a_browser_with_a_cookie_that_is_not_ours_is_a_new_device() -> None:
    request = _request("tgd1." + "A" * 72)
    assert risk.device_in(request, at=NOON) is None
    assert _id_of(risk.device_token_in(request, at=NOON)) is not None


def test_a_token_of_an_old_key_is_signed_anew_in_the_browser_and_a_wrong_one_is_not_kept(settings: Any) -> None:
    token = risk.new_device_token(at=NOON)
    settings.KEY_RING = {"2027": NEW, "2026": OLD}
    later = NOON + timedelta(days=31)
    response = HttpResponse()
    risk.keep_device_token(response, token, at=later)
    kept = response.cookies[risk.device_cookie_name()].value
    assert kept != token
    assert _id_of(kept, later) == _id_of(token)
    response = HttpResponse()
    risk.keep_device_token(response, "tgd1." + "A" * 72, at=later)
    assert not response.cookies
