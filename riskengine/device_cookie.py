"""The cookie in which a browser keeps its device token."""

from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from riskengine.device_tokens import LIVES, Device, new_device_token, read_device_token, renewed_device_token


def device_cookie_name() -> str:
    """Return the name of the cookie; over https one that no other host can set."""
    return "__Host-tiergate-device" if settings.SESSION_COOKIE_SECURE else "tiergate-device"


def device_in(request: HttpRequest, *, at: datetime) -> Device | None:
    """Tell which device a browser's cookie says it is; None where it has none, or one that is not ours."""
    return read_device_token(request.COOKIES.get(device_cookie_name()), at=at)


def device_token_in(request: HttpRequest, *, at: datetime) -> str:
    """Return the token that a browser has, or one for it where it has none that is good.

    The browser is given it by `keep_device_token`, so that what is learned of it now is known again.
    """
    token = request.COOKIES.get(device_cookie_name())
    return token if token is not None and read_device_token(token, at=at) is not None else new_device_token(at=at)


def keep_device_token(response: HttpResponse, token: str, *, at: datetime) -> None:
    """Give a browser whose person has just proven who they are its token until that ends, one by a newer key where it is due.

    token: as `device_token_in` returned it; one that is not good is not kept.
    """
    device = read_device_token(token, at=at)
    if device is None:
        return
    response.set_cookie(
        device_cookie_name(),
        renewed_device_token(device) or token,
        max_age=(LIVES - (at.astimezone(UTC).date() - device.issued_on)) // timedelta(seconds=1),
        path="/",
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
