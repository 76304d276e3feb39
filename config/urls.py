"""Every address of the site, by room."""

from django.apps import apps
from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("config.operation.urls")),
    path("", include("decisions.urls")),
    path("", include("authlevels.urls")),
    path("", include("billing.urls")),
    path("", include("licensing.urls")),
    path("", include("console.urls")),
]
if apps.is_installed("sample"):
    urlpatterns.append(path("northwind/", include("sample.urls")))

handler400 = "decisions.plain_errors.bad_request"
handler403 = "decisions.plain_errors.permission_denied"
handler404 = "decisions.plain_errors.not_found"
handler500 = "decisions.plain_errors.server_error"
