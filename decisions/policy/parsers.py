"""Reading a bundle as it is sent: the one body that may be large."""

from collections.abc import Mapping
from typing import Any, Final

from rest_framework.parsers import BaseParser

from authlevels.api import ReviewedJSONParser

MAX_UPLOAD: Final = 4 << 20
"""Of the request that holds a bundle, in bytes. It is read only once the caller may store one."""


class _Large(ReviewedJSONParser):
    max_body = MAX_UPLOAD


class BundleParser(BaseParser):
    """Takes JSON of up to 4 MiB.

    It is none of DRF's parsers of JSON: for those DRF has Django read the whole body, which takes no more than
    DATA_UPLOAD_MAX_MEMORY_SIZE from anybody.
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Return the body as Python values.

        :raises ParseError: too long, too deep, no JSON, or a member stands there twice.
        """
        return _Large().parse(stream, media_type, parser_context)
