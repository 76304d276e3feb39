"""Finding out who calls, before any view runs."""

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse

from authlevels.cookies import session_cookie_name
from authlevels.credentials import resolve_credential
from authlevels.models import User
from authlevels.principals import Anonymous, PersonPrincipal, Principal, ServicePrincipal
from authlevels.sessions import resolve_session_secret, touch_session
from isolation.clock import now

_MAX_SECRET: int = 256


class PrincipalMiddleware:
    """Sets ``request.principal``, and ``request.user`` for what reads that.

    A header that is there decides alone: a caller who sends a bad one is nobody, whatever cookie
    the browser adds.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Name the caller, then go on."""
        principal = principal_of(request)
        request.principal = principal  # type: ignore[attr-defined]  # read by `caller`
        request.user = _user_of(principal)
        return self.get_response(request)


def principal_of(request: HttpRequest) -> Principal:
    """Return who calls, by the Authorization header or else by the session cookie."""
    header = request.META.get("HTTP_AUTHORIZATION")
    if header is not None:
        scheme, _, secret = header.partition(" ")
        return _by_secret(secret.strip()) if scheme.lower() == "bearer" else Anonymous()
    cookie = request.COOKIES.get(session_cookie_name(), "")
    return _by_session(cookie, by_cookie=True) if cookie else Anonymous()


def _by_secret(secret: str) -> Principal:
    if len(secret) > _MAX_SECRET:
        return Anonymous()
    credential = resolve_credential(secret, at=now())
    if credential is not None:
        return ServicePrincipal(credential)
    return _by_session(secret, by_cookie=False)


def _by_session(secret: str, *, by_cookie: bool) -> Principal:
    at = now()
    session = resolve_session_secret(secret, at=at)
    if session is None:
        return Anonymous()
    touch_session(tenant_id=session.tenant_id, session_id=session.id, at=at)
    return PersonPrincipal(session, by_cookie=by_cookie)


def _user_of(principal: Principal) -> User | AnonymousUser:
    if isinstance(principal, PersonPrincipal):
        return User.objects.get(id=principal.session.user_id)
    return AnonymousUser()
