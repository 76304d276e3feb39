"""Pages that join rooms."""

from django.urls import path

from console.api_docs import ApiPage, OpenApiDocument
from console.home import home
from console.operator import operator_site
from console.trail.views import TrailView

urlpatterns = [
    path("", home, name="home"),
    path("api/openapi.yaml", OpenApiDocument.as_view(), name="openapi"),
    path("api/docs/", ApiPage.as_view(), name="api-docs"),
    path("v1/tenants/<str:tenant>/audit", TrailView.as_view(), name="audit"),
    path("operator/", operator_site.urls),
]
