"""The addresses of the probes. `config.operation.middleware.Probes` answers them before anything else looks."""

from django.urls import path

from config.operation.probes import livez, metrics, readyz

urlpatterns = [
    path("livez", livez),
    path("readyz", readyz),
    path("metrics", metrics),
]
