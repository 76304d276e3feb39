"""Making a call, showing it, and holding the answer to what was promised."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

_SHORT: Final = 420
_SHOWN_HEADERS: Final = ("WWW-Authenticate", "Retry-After")
_MARKS: Final = {"title": "1", "why": "36", "ok": "32", "bad": "31"}


class Surprise(Exception):
    """An answer that is not as promised; its text says which and how."""


@dataclass(slots=True)
class Teller:
    """Tells the tour to a terminal, or to a pipe."""

    client: httpx.Client
    say: Callable[[str], None]
    is_colourful: bool
    calls: int = field(default=0)

    def chapter(self, title: str) -> None:
        """Begin a part of the tour."""
        self.say(f"\n{self._marked('title', title)}")

    def call(
        self,
        why: str,
        method: str,
        url: str,
        *,
        want: int,
        by: str = "",
        body: object = None,
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Make a call, show it and its answer, and check the status.

        why: a sentence on what happens and why. by: the bearer's secret. raw: a body that is sent as it is.
        :raises Surprise: the status is another one.
        """
        self.calls += 1
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        sent = {"Content-Type": "application/json"} if content else {}
        if by:
            sent["Authorization"] = f"Bearer {by}"
        sent |= headers or {}
        self.say(f"\n  {self.calls:>2}. {self._marked('why', why)}")
        self.say(f"      {method} {url} {_shortened(content.decode(errors='replace'))}".rstrip())
        response = self.client.request(method, url, content=content, headers=sent)
        self.say(f"      -> {response.status_code} {_shortened(response.text)}".rstrip())
        for name in _SHOWN_HEADERS:
            if name in response.headers:
                self.say(f"         {name}: {response.headers[name]}")
        self.expect(response.status_code == want, f"the status is {want}", f"it is {response.status_code}")
        return response

    def note(self, text: str) -> None:
        """Show what an answer says that is worth reading."""
        self.say(f"      {text}")

    def expect(self, is_so: object, promise: str, otherwise: str = "it is not so") -> None:
        """Check a promise.

        :raises Surprise: it is not kept.
        """
        if not is_so:
            self.say(f"      {self._marked('bad', 'SURPRISE')}: promised was that {promise}, but {otherwise}.")
            raise Surprise(f"call {self.calls}: promised was that {promise}, but {otherwise}.")
        self.say(f"      {self._marked('ok', 'ok')}: {promise}")

    def expect_equal(self, found: object, wanted: object, what: str) -> None:
        """Check that a member of an answer is what was promised.

        :raises Surprise: it is not.
        """
        self.expect(found == wanted, f"{what} is {wanted!r}", f"it is {found!r}")

    def _marked(self, kind: str, text: str) -> str:
        return f"\033[{_MARKS[kind]}m{text}\033[0m" if self.is_colourful else text


def members(response: httpx.Response) -> dict[str, Any]:
    """Read an answer's JSON object.

    :raises Surprise: it is none.
    """
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Surprise(f"{response.request.url} answered with something that is no JSON object.")
    return found


def _shortened(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= _SHORT else f"{one_line[:_SHORT]} ..."
