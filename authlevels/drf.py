"""How DRF learns who calls, and how the OpenAPI document says it."""

from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from authlevels.models import User
from authlevels.principals import Anonymous, PersonPrincipal, Principal


class CallerAuthentication(BaseAuthentication):
    """Takes over whom the middleware found, and rules out forgery where a cookie says it."""

    def authenticate(self, request: Request) -> tuple[User | AnonymousUser, Principal] | None:
        """Return the user and the principal; None for nobody known.

        :raises PermissionDenied: a cookie alone vouches for an unsafe request without a CSRF token.
        """
        principal = caller(request)
        if isinstance(principal, Anonymous):
            return None
        if isinstance(principal, PersonPrincipal) and principal.by_cookie:
            enforce_csrf(request)
        user: User | AnonymousUser = request._request.user  # noqa: SLF001 (DRF has no other door)
        return user, principal

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 - DRF passes it
        """Name the scheme, so that nobody known is answered 401."""
        return 'Bearer realm="tiergate"'


class _CsrfCheck(CsrfViewMiddleware):
    """Says why instead of rendering a page."""

    def _reject(self, request: HttpRequest, reason: str) -> str:  # noqa: ARG002 - Django's own signature
        return reason


def enforce_csrf(request: Request) -> None:
    """Refuse an unsafe request that another site may have made the browser send.

    :raises PermissionDenied: the CSRF token is missing or wrong.
    """
    plain = request._request  # noqa: SLF001 (DRF has no other door)
    check = _CsrfCheck(lambda _request: HttpResponse())
    check.process_request(plain)
    reason = check.process_view(plain, lambda _request: HttpResponse(), (), {})
    if reason:
        raise PermissionDenied(f"The request could have come from another site: {reason}")


def caller(request: Request | HttpRequest) -> Principal:
    """Return who calls; nobody where no middleware has looked."""
    plain: Any = request._request if isinstance(request, Request) else request  # noqa: SLF001 (as above)
    found: Principal = getattr(plain, "principal", Anonymous())
    return found


class CallerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its metaclass has no types
    """Describes the two kinds of bearer and the cookie."""

    target_class = "authlevels.drf.CallerAuthentication"
    name = ["credential", "session", "cookie"]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:  # noqa: ARG002 - as it is called
        """Return the schemes of the document."""
        return [
            {"type": "http", "scheme": "bearer", "description": "A service credential, tgk_…"},
            {"type": "http", "scheme": "bearer", "description": "An own session's secret, tgs_…"},
            {
                "type": "apiKey",
                "in": "cookie",
                "name": "__Host-tiergate",
                "description": "An own session in a browser; unsafe methods need X-CSRFToken.",
            },
        ]
