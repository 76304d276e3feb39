"""Reading request bodies: small, and never an error of ours whatever is in them."""

import io
import json
from collections.abc import Mapping
from typing import Any, Final

from rest_framework.exceptions import ParseError
from rest_framework.parsers import FormParser, JSONParser

from authlevels.nesting import is_nested_deeper

MAX_BODY: Final = 64 * 1024
MAX_DEPTH: Final = 256


class BoundedJSONParser(JSONParser):
    """Takes JSON of up to 64 KiB."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Return the body as Python values.

        :raises ParseError: too long, too deep, no JSON, or with text that is no Unicode (RFC 7493 section 2.1).
        """
        body = stream.read(MAX_BODY + 1)
        if len(body) > MAX_BODY:
            raise ParseError(f"The body is longer than {MAX_BODY} bytes.")
        if is_nested_deeper(body, MAX_DEPTH):
            raise ParseError(f"The body is nested deeper than {MAX_DEPTH}.")
        try:
            value = super().parse(io.BytesIO(body), media_type, parser_context)
            # Half of a surrogate pair, written as an escape, is no character: no answer could repeat it.
            json.dumps(value, ensure_ascii=False).encode()
        except (RecursionError, LookupError, UnicodeEncodeError) as error:
            # LookupError: a charset that does not exist.
            raise ParseError("The body cannot be read as JSON.") from error
        return value


class BoundedFormParser(FormParser):
    """Takes a form of up to 64 KiB, as OAuth's endpoints do."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Return the members, each of which may stand there once (RFC 6749 section 3.2).

        :raises ParseError: too long, or a member stands there twice.
        """
        body = stream.read(MAX_BODY + 1)
        if len(body) > MAX_BODY:
            raise ParseError(f"The body is longer than {MAX_BODY} bytes.")
        form = super().parse(io.BytesIO(body), media_type, parser_context)
        if any(len(values) > 1 for _name, values in form.lists()):
            raise ParseError("A member stands there twice.")
        return form
