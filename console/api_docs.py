"""The API's own description, for programs and for people."""

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

_OPEN = "It describes the API, and holds nobody's data."


class OpenApiDocument(SpectacularAPIView):
    """The OpenAPI document."""

    open_because = _OPEN


class ApiPage(SpectacularSwaggerSplitView):
    """The OpenAPI document as a page to read; its script and its styles come from our own origin."""

    open_because = _OPEN
    url_name = "openapi"
    template_name = "console/api_docs.html"
