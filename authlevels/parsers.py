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
    """Takes JSON of up to 64 KiB. max_body: in bytes, where it is more."""

    max_body: int = MAX_BODY

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        """Return the body as Python values.

        :raises ParseError: too long, too deep, no JSON, or with text that is no Unicode (RFC 7493 section 2.1).
        """
        body = stream.read(self.max_body + 1)
        if len(body) > self.max_body:
            raise ParseError(f"The body is longer than {self.max_body} bytes.")
        if is_nested_deeper(body, MAX_DEPTH):
            raise ParseError(f"The body is nested deeper than {MAX_DEPTH}.")
        try:
            value = self.read(body, media_type, parser_context)
            # Half of a surrogate pair, written as an escape, is no character: no answer could repeat it.
            json.dumps(value, ensure_ascii=False).encode()
        except (RecursionError, LookupError, UnicodeEncodeError) as error:
            # LookupError: a charset that does not exist.
            raise ParseError("The body cannot be read as JSON.") from error
        return value

    def read(self, body: bytes, media_type: str | None, parser_context: Mapping[str, Any] | None) -> Any:
        """Read a body that is small enough as JSON."""
        return super().parse(io.BytesIO(body), media_type, parser_context)


class ReviewedJSONParser(BoundedJSONParser):
    """Takes JSON that people look at before it takes effect: in UTF-8, each member of an object once.

    Of two members of one name whoever looks may read the first, and a program the last (RFC 8259 section 4).
    """

    def read(self, body: bytes, media_type: str | None, parser_context: Mapping[str, Any] | None) -> Any:  # noqa: ARG002 - as in the base
        """Read a body.

        :raises ParseError: no JSON, or a member stands there twice.
        """
        try:
            return json.loads(body.decode(), object_pairs_hook=_each_once, parse_constant=_no_number)
        except ValueError as error:
            raise ParseError(f"The body cannot be read as JSON: {error}") from error


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


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its members.

    :raises ParseError: one of them stands there twice.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ParseError("A member stands there twice.")
    return found


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number")
