"""How a request looks: somebody on their own device goes on as always, and who looks like somebody else is asked for more."""

import json
import os
import re
from datetime import timedelta
from typing import Any, Final

from config.demo.tour.codes import next_code
from config.demo.tour.guide import Guide
from config.demo.tour.teller import members
from config.embedded.processes import wait_until
from isolation.clock import now

type Looks = dict[str, Any]

_JONAS: Final = {"type": "user", "id": "7802"}
_HOME: Final[Looks] = {
    "ip": "203.0.113.9",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:151.0) Gecko/20100101 Firefox/151.0",
}
# Another country by the demo's own map (sample/northwind/countries.csv), of networks that are nobody's (RFC 5737).
_FAR: Final[Looks] = {
    "ip": "198.51.100.7",
    "user_agent": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36",
}
_MINUTES_AGO: Final = (50, 40, 30, 20, 10)
# Half a day from UTC, by which the history is told: what was by day is by night, and the tour need not wait for it.
_ODD: Final = "Pacific/Auckland"
_WAITING: Final = "tiergate_risk_waiting_signals"
# What a high and what a critical risk ask, by default.
_SOON: Final = (900, 300)
_LEARNED_SECONDS: Final = 60.0


def a_new_device(guide: Guide) -> None:
    """Show a history that is learned, the known device that is asked for nothing, and the unknown one that is."""
    teller = guide.teller
    teller.chapter(
        "Somebody with Jonas's password, far away, at night, on another device: asked for more; Jonas himself is not"
    )
    home, known = _signed_in(
        guide, _HOME, "Jonas signs in; his product tells how he looks, and keeps a device token for him."
    )
    home_looks = _looks(_HOME, known)
    _history(guide, home_looks)
    teller.expect(_is_learned(guide), "a worker folds all of it into his profile", "it does not")
    before = _clock(guide, _ODD)

    far, unknown = _signed_in(
        guide, _FAR, "The same name and password, from another country and with a device that is new."
    )
    far_looks = _looks(_FAR, unknown)
    refused = _read(guide, far, far_looks, "The same question from there: entitled, and yet asked for a second factor.")
    teller.expect_equal(refused["context"]["outcome"], "step_up", "the outcome")
    need = refused["context"]["needs"][0]
    teller.expect_equal((need["kind"], need["level"]), ("step_up", "aal2"), "what would satisfy")
    teller.expect(need["max_age"] in _SOON, "it must be of the last minutes", f"it may be {need['max_age']} s old")
    _explained(guide, far, far_looks)
    asked = _read(
        guide,
        home,
        home_looks,
        "Jonas himself, at the same odd hour, on the known device: allowed, and asked for nothing.",
    )
    teller.expect_equal(asked["decision"], True, "the decision")
    by = guide.demo.credentials["globex"]
    guide.step_up(refused["context"]["challenge"]["decision_id"], by, "jonas", code_of=next_code)
    asked = _read(guide, far, far_looks, "It was Jonas, on a journey: he has his phone, and may go on.")
    teller.expect_equal(asked["decision"], True, "the decision")
    _put_back(guide, before)


def _signed_in(guide: Guide, looks: Looks, why: str) -> tuple[str, str]:
    """Have Globex vouch for Jonas, and give the session's handle and the device token that was made for it."""
    started = guide.teller.call(
        why,
        "POST",
        f"{guide.demo.web}/t/globex/sessions",
        by=guide.demo.credentials["globex"],
        body={
            "subject": _JONAS,
            "amr": ["pwd"],
            "auth_time": int(now().timestamp()),
            "idp": "https://idp.globex.example",
            **looks,
            "device_token": "",
        },
        want=201,
    )
    answer = members(started)
    return str(answer["session"]), str(answer["device_token"])


def _looks(looks: Looks, device_token: str) -> Looks:
    return {**looks, "device": {"token": device_token}}


def _history(guide: Guide, looks: Looks) -> None:
    """Tell where Jonas was in the last hour, as a product tells of what it asks no decision for."""
    ends = now()
    told = [
        {
            "id": f"tour-{minutes}",
            "event": "seen",
            "subject": _JONAS,
            "ip": looks["ip"],
            "user_agent": looks["user_agent"],
            "device_token": looks["device"]["token"],
            "at": (ends - timedelta(minutes=minutes)).isoformat(),
        }
        for minutes in _MINUTES_AGO
    ]
    answer = guide.teller.call(
        "It tells of his last hour as well: the same place, the same device.",
        "POST",
        f"{guide.demo.web}/v1/risk/signals",
        by=guide.demo.credentials["globex"],
        body={"items": told},
        want=202,
    )
    guide.teller.expect_equal(members(answer), {"taken": len(told), "ignored": 0}, "what became of it")


def _is_learned(guide: Guide) -> bool:
    """Wait until no signal is left that no profile holds."""
    token = os.environ.get("TIERGATE_METRICS_TOKEN", "")
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    def is_done() -> bool:
        page = guide.teller.client.get(f"{guide.demo.web}/metrics", headers=headers).text
        return f"\n{_WAITING} 0.0\n" in page

    return wait_until(is_done, seconds=_LEARNED_SECONDS)


def _read(guide: Guide, session: str, looks: Looks, why: str) -> dict[str, Any]:
    return guide.ask(why, "globex", _question(session, looks))


def _question(session: str, looks: Looks) -> dict[str, Any]:
    return {
        "subject": _JONAS,
        "action": {"name": "reports.read"},
        "resource": {"type": "report", "id": "q1"},
        "context": {"session": session, **looks},
    }


def _explained(guide: Guide, session: str, looks: Looks) -> None:
    """Print why, as whoever runs the installation is told it: band, score, the reasons in words, and what would make it."""
    teller = guide.teller
    teller.note("manage.py explain says why:")
    lines = guide.demo.manage(
        "explain", "-", "--tenant", "globex", given=json.dumps(_question(session, looks))
    ).splitlines()
    for line in lines:
        teller.note(f"  {line}".rstrip())
    text = "\n".join(lines)
    for said, promise in (
        (
            r"risk +(high|critical), score \+\d+\.\d\d: .*new_hour",
            "it names band, score and what is unusual, the hour too",
        ),
        (r"risk requires aal2 .*: \w+ risk: .*first time from this country", "it says in words why"),
        (r"What would make it\s+step_up to aal2 within \d+ s with otp", "it says what would make it"),
    ):
        teller.expect(re.search(said, text), promise, f"{said!r} is not there")


def _clock(guide: Guide, zone: str) -> dict[str, Any]:
    """Move the tenant's clock, and give the tenant as it was."""
    by, url = guide.demo.credentials["vendor"], f"{guide.demo.web}/v1/tenants/globex"
    why = "Nobody waits for the night here: the vendor sets Globex's clock to the other side of the world."
    before = members(guide.teller.call("How Globex is set up.", "GET", url, by=by, want=200))
    settings = {**before["settings"], "timezone": zone}
    guide.teller.call(why, "PUT", url, by=by, body={"name": before["name"], "settings": settings}, want=200)
    return before


def _put_back(guide: Guide, before: dict[str, Any]) -> None:
    by, url = guide.demo.credentials["vendor"], f"{guide.demo.web}/v1/tenants/globex"
    body = {"name": before["name"], "settings": before["settings"]}
    guide.teller.call("The clock is put back.", "PUT", url, by=by, body=body, want=200)
