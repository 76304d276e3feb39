"""What each code of a problem or a decision means, and what to do about it: one table, for pages and documents."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

_TABLE: Final = Path(__file__).with_name("problem_codes.toml")

# What helps follows from the status: whoever meets a code that they do not know goes by it, too (RFC 9457 section 3).
_TO_DO: Final[Mapping[int, str]] = MappingProxyType(
    {
        200: "Nothing: go on.",
        400: "Mend the request: the same one is refused again. `detail`, and `errors` where it is there, say what is wrong.",
        401: "Show who asks: a credential that is valid, a session that is not over, or, where the answer names a "
        "`challenge` or `acr_values`, one confirmation more.",
        402: "Offer what `unlocks` names. Once it is bought, ask again.",
        403: "Do not ask again as you are. Somebody who may can ask, or give leave, or agree where the answer says so.",
        404: "Look at how the thing is named, and whose it is: what is another tenant's is answered as what does not exist.",
        405: "Use one of the methods that `Allow` names.",
        406: "Ask for `application/json`.",
        409: "Read how things stand now, and decide anew whether to ask again.",
        415: "Send `Content-Type: application/json`, and a body that is that.",
        422: "Mend what `errors` names, and send it again.",
        429: "Wait as many seconds as `Retry-After` says, and ask again.",
        500: "Take it as a no. Should it stay, tell whoever runs this service, with the `X-Request-ID` of the answer.",
        503: "Take it as a no, and ask again after as many seconds as `Retry-After` says.",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a code means.

    when, to_do: sentences; names of members stand in backticks. statuses: with which it is answered, and what to do then.
    outcomes: of a decision's reason, with which it is decided; () for any other problem.
    """

    code: str
    when: str
    statuses: tuple[tuple[int, str, str], ...]
    outcomes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """Write the code as words."""
        words = self.code.replace("_", " ")
        return words[:1].upper() + words[1:]


def _read(said: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Meaning]:
    return MappingProxyType(
        {
            code: Meaning(
                code=code,
                when=one["when"],
                statuses=tuple((status, HTTPStatus(status).phrase, _TO_DO[status]) for status in one["status"]),
                outcomes=tuple(one.get("outcome", ())),
            )
            for code, one in sorted(said.items())
        }
    )


_SAID: Final = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
REASONS: Final = _read(_SAID["reasons"])
"""What each reason of a decision means, by code."""
ERRORS: Final = _read(_SAID["errors"])
"""What each code of a problem that is no decision means."""
