"""The first page: who one is here, and where one can go."""

from django.apps import apps
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from authlevels import api as authlevels
from decisions import api as decisions
from licensing import api as licensing


@decisions.open_because("It shows a visitor only who they themselves are.")
@never_cache
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Greet whoever is signed in, and show anyone the way in."""
    principal = authlevels.caller(request)
    person = principal.session if isinstance(principal, authlevels.PersonPrincipal) else None
    context = {
        "person": person,
        "tenant": licensing.get_tenant(person.tenant_id) if person else None,
        "is_vendor": person is not None and person.tenant_id == licensing.VENDOR_TENANT_ID,
        "is_demo": apps.is_installed("sample"),
    }
    return render(request, "console/home.html", context)
