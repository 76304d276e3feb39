"""A server of Tiergate as one who sends it a bundle sees it: addresses, a credential, answers, and refusals in words.

The credential is sent to the one address that was named, encrypted unless that is this machine: no redirect is
followed, since whoever it leads to would be shown it.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

TOKEN: Final = "TIERGATE_TOKEN"  # noqa: S105 - the name of the variable
TIMEOUT: Final = 30.0
"""Seconds without a byte after which an answer is not waited for any more."""

_LOCAL: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_MAX_ANSWER: Final = 16 << 20
_MAX_SHOWN: Final = 100
_PASSING: Final = frozenset({HTTPStatus.TOO_MANY_REQUESTS, *range(502, 505)})
_TOKEN: Final = re.compile(r"[!-~]{1,1024}")
_SECONDS: Final = re.compile("[0-9]{1,4}")


class Unanswered(OSError):
    """No answer that can be read: nobody knows what became of the request. is_passing: asking again may help.

    wait: seconds to leave in between, as the server says; None where it does not.
    """

    def __init__(self, why: str, *, is_passing: bool = True, wait: float | None = None) -> None:
        super().__init__(why)
        self.is_passing, self.wait = is_passing, wait


class Refused(Exception):
    """The server's no. problem: what it says of it (RFC 9457), {} where that cannot be read."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status, self.problem = status, problem
        super().__init__(next(self.lines()))

    @property
    def code(self) -> str:
        """Give the stable name of what is the matter; "" where there is none."""
        code = self.problem.get("code")
        return code if isinstance(code, str) else ""

    def lines(self) -> Iterator[str]:
        """Tell it to a person: a sentence, then each place that it is about."""
        said = self.problem.get("detail") or self.problem.get("title")
        yield f"{said if isinstance(said, str) else 'The server refuses.'} ({self.code or self.status})"
        errors = _objects(self.problem.get("errors"))
        for one in errors[:_MAX_SHOWN]:
            yield f"{one.get('file', '')}:{one.get('line', '')}:{one.get('column', '')}: {one.get('message', '')}"
        if len(errors) > _MAX_SHOWN:
            yield f"and {len(errors) - _MAX_SHOWN} more"
        yield from told_findings(self.problem.get("findings"))


class Server:
    """One server, asked in one credential's name.

    :raises ValueError: the address is none to show a credential to, or there is no credential.
    """

    def __init__(self, address: str, token: str) -> None:
        self.address, is_local = checked_address(address)
        if not _TOKEN.fullmatch(token):
            raise ValueError(f"{TOKEN} holds the credential to ask by: one word, from the environment")
        self._token = token
        self._opener = _opener(is_local=is_local)

    @classmethod
    def from_environment(cls, address: str) -> "Server":
        """Take the credential from the environment, where no list of processes and no history shows it.

        :raises ValueError: as `Server` does.
        """
        return cls(address, os.environ.get(TOKEN, "").strip())

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """Read an object. :raises Refused: the server says no. :raises Unanswered: it does not answer."""
        asked = f"?{urlencode(query)}" if query else ""
        return self._ask(Request(f"{self.address}{path}{asked}", method="GET"))  # noqa: S310 - it was checked

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send an object, and read what is answered. :raises Refused, Unanswered: as `get` does."""
        request = Request(f"{self.address}{path}", data=json.dumps(body).encode(), method="POST")  # noqa: S310 - as above
        request.add_header("Content-Type", "application/json")
        return self._ask(request)

    def _ask(self, request: Request) -> dict[str, Any]:
        request.add_header("Accept", "application/json")
        request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                return _object(answer)
        except HTTPError as error:
            with error:
                raise _no(error) from None
        except (HTTPException, URLError, OSError) as error:
            if isinstance(error, Unanswered):
                raise
            why = error.reason if isinstance(error, URLError) else error
            raise Unanswered(f"{self.address} does not answer: {why}") from None


def word(text: str) -> str:
    """Make one part of a path of a name."""
    return quote(text, safe="")


def told_findings(findings: object, *, without: str = "") -> Iterator[str]:
    """Tell what became of each thing that a bundle promises. without: an outcome of which nobody needs to be told."""
    told = [one for one in _objects(findings) if one.get("outcome") != without]
    for one in told[:_MAX_SHOWN]:
        reason = f": {one['reason']}" if one.get("reason") else ""
        yield f"{one.get('invariant', '')}: {one.get('outcome', '')}{reason}"


def checked_address(address: str) -> tuple[str, bool]:
    """Give a server's address without a slash at its end, and whether it is this machine.

    :raises ValueError: a credential is not to be sent there.
    """
    if not address.isascii() or not address.isprintable() or set(address) & set(' \\"<>'):
        raise ValueError("--server: this is no address")
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(f"--server: this is no address: {error}") from error
    if parts.scheme not in {"https", "http"} or not host:
        raise ValueError("--server: an address begins with https:// and names a host")
    if "@" in parts.netloc or parts.query or parts.fragment or "?" in address or "#" in address:
        raise ValueError(f"--server: the address alone; the credential is in {TOKEN}")
    is_local = host in _LOCAL
    if parts.scheme == "http" and not is_local:
        raise ValueError("--server: https, since a credential is sent there")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", is_local


class _NoRedirect(HTTPRedirectHandler):
    """Follows nothing: see above."""

    def redirect_request(
        self,
        req: Request,  # noqa: ARG002 - the library's own names, as below
        fp: IO[bytes],  # noqa: ARG002
        code: int,  # noqa: ARG002
        msg: str,  # noqa: ARG002
        headers: HTTPMessage,  # noqa: ARG002
        newurl: str,  # noqa: ARG002
    ) -> None:
        """Go nowhere, which makes it an error."""
        return


def _opener(*, is_local: bool) -> OpenerDirector:
    # This machine is asked itself, whatever proxy there is for others.
    return build_opener(_NoRedirect, ProxyHandler({}) if is_local else ProxyHandler())


def _object(answer: IO[bytes]) -> dict[str, Any]:
    raw = answer.read(_MAX_ANSWER + 1)
    if len(raw) > _MAX_ANSWER:
        raise Unanswered("the server's answer is too long to be read", is_passing=False)
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Unanswered("the server's answer is no JSON object: is this the address of Tiergate?", is_passing=False)
    return found


def _no(error: HTTPError) -> Exception:
    """Tell a refusal from a server that cannot answer."""
    if error.code in _PASSING or error.code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        wait = error.headers.get("Retry-After", "")
        seconds = float(wait) if _SECONDS.fullmatch(wait) else None
        why = f"the server cannot answer now ({error.code})"
        return Unanswered(why, is_passing=error.code in _PASSING, wait=seconds)
    if HTTPStatus.MULTIPLE_CHOICES <= error.code < HTTPStatus.BAD_REQUEST:
        return Unanswered(
            f"the server leads elsewhere ({error.code}), where no credential is taken: name it by its own address",
            is_passing=False,
        )
    try:
        problem = _object(error)
    except (OSError, HTTPException):
        problem = {}
    return Refused(error.code, problem)


def _objects(found: object) -> list[Mapping[str, Any]]:
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
