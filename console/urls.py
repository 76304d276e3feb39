"""Pages that join rooms."""

from django.urls import path

from console.api_docs import ApiPage, OpenApiDocument
from console.home import home
from console.operator import operator_site

urlpatterns = [
    path("", home, name="home"),
    path("api/openapi.yaml", OpenApiDocument.as_view(), name="openapi"),
    path("api/docs/", ApiPage.as_view(), name="api-docs"),
    path("operator/", operator_site.urls),
]
