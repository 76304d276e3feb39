"""Ask whether this run of the pipeline may deploy this commit, and wait for a person where one has to agree.

Exit code 0 means yes, once, for this repository, commit and run; anything else means stop. Where people had to agree,
what they agreed to is then in DEPLOY_TOKEN_FILE, as a token for DEPLOY_AUDIENCE, which does the deploying. Needs
Python's standard library alone. It reads TIERGATE_URL, TIERGATE_KEY, TIERGATE_SERVICE (the credential's name),
DEPLOY_REPOSITORY, DEPLOY_COMMIT, DEPLOY_RUN (another one for each attempt), DEPLOY_ENVIRONMENT, and these two.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

SCOPE = "releases"
"""What the catalogue calls it; see catalog.yaml."""
PACE = 5
"""Seconds between two polls where nothing else is said, and what `slow_down` adds (RFC 8628 section 3.5)."""
SLOWEST = 60
TRIES = 5
"""How often the token is asked for: it is good for five minutes from the first time on."""
LONGEST = 3600
"""Seconds after which nobody is waited for any more, whatever is answered: an approval lives for an hour."""


class Stop(Exception):
    """Why the pipeline must not go on. answer: what Tiergate said, if it did; is_passing: asking again may help."""

    def __init__(self, why: str, answer: Mapping[str, Any] | None = None, *, is_passing: bool = False) -> None:
        super().__init__(why)
        self.answer, self.is_passing = answer or {}, is_passing


def call(given: Mapping[str, str], path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Post to Tiergate, and return the object that it answers."""
    request = Request(  # noqa: S310 - the address is the pipeline's own setting
        given["TIERGATE_URL"].rstrip("/") + path,
        data=json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {given['TIERGATE_KEY']}",
            "Content-Type": "application/json",
            # The same run asks for the same use: a retry after a lost answer is no second deployment.
            "X-Request-ID": f"deploy-{given['DEPLOY_RUN']}",
        },
    )
    try:
        with urlopen(request, timeout=20) as answer:  # noqa: S310 - as above
            found = json.load(answer)
    except HTTPError as error:
        is_passing = error.code in {429, 500, 502, 503, 504}
        raise Stop(f"Tiergate answered {error.code} to {path}.", problem(error), is_passing=is_passing) from error
    except (OSError, ValueError) as error:
        raise Stop(f"Tiergate did not answer {path}: {error}", is_passing=isinstance(error, URLError)) from error
    if not isinstance(found, dict):
        raise Stop(f"Tiergate answered {path} with no object.")
    return found


def problem(error: HTTPError) -> dict[str, Any]:
    """Read what a refusal says; nothing where it cannot be read."""
    try:
        found = json.load(error)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def may_deploy(given: Mapping[str, str]) -> dict[str, Any]:
    """Ask for the decision on exactly this: the action binds repository, commit and run."""
    bound = {"commit": given["DEPLOY_COMMIT"], "run": given["DEPLOY_RUN"]}
    return call(
        given,
        "/access/v1/evaluation",
        {
            "subject": {"type": "service", "id": given["TIERGATE_SERVICE"]},
            "action": {"name": "deploy.release"},
            "resource": {"type": "repository", "id": given["DEPLOY_REPOSITORY"], "properties": bound},
            "context": {"environment": given["DEPLOY_ENVIRONMENT"]},
        },
    )


def wait_for_people(
    given: Mapping[str, str],
    refused: Mapping[str, Any],
    *,
    say: Callable[[str], object],
    pause: Callable[[float], object],
) -> str:
    """Open the approval that the refusal calls for, and return its id once enough people have agreed."""
    if refused["reason"] != "approval_required":
        raise Stop(refused["reason"])
    opened = call(given, "/step-up/approvals", {"decision_id": refused["approval"]["decision_id"]})
    approval = str(opened["approval_id"])
    say(f"Waiting for {opened['needed']} to agree to {given['DEPLOY_COMMIT'][:12]} in {given['DEPLOY_ENVIRONMENT']}.")
    say(f"Approval: {approval}, until {opened['expires_at']}")
    if opened.get("user_code"):
        say(
            f"Open {opened['verification_uri']} and type the code {opened['user_code']}; the number is {opened['number']}."
        )
    pace, waited = float(opened.get("interval") or PACE), 0.0
    while waited < LONGEST:
        pause(pace)
        waited += pace
        try:
            call(given, f"/step-up/approvals/{approval}/poll", {})
        except Stop as stop:
            pace = next_pace(stop, pace)
        else:
            return approval
    raise Stop("Nobody has agreed in time.")


def next_pace(stop: Stop, pace: float) -> float:
    """Say how many seconds to wait before the next poll, or stop for good, after one that brought no yes."""
    error = stop.answer.get("error")
    if error == "authorization_pending":
        return pace
    if error == "slow_down":
        return max(pace + PACE, float(stop.answer.get("interval") or 0))
    if error is None and stop.is_passing:
        return min(pace * 2, SLOWEST)
    raise Stop(f"It was not agreed to: {error}.") if error else stop


def take_token(given: Mapping[str, str], approval: str, file: Path, *, pause: Callable[[float], object]) -> None:
    """Use the agreement up for a token, and leave it where this user alone can read it: never in the job's log.

    Where no answer came the same request is sent again: if the first one was heard, its token is what is answered.
    """
    path, pace = f"/step-up/approvals/{approval}/token", float(PACE)
    for tries_left in reversed(range(TRIES)):
        try:
            token = call(given, path, {"scope": SCOPE, "audience": given["DEPLOY_AUDIENCE"]})["access_token"]
            break
        except Stop as stop:
            if not stop.is_passing or not tries_left:
                raise
            pause(pace)
            pace = min(pace * 2, SLOWEST)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(token)


def main(
    given: Mapping[str, str],
    *,
    say: Callable[[str], object] = print,
    pause: Callable[[float], object] = time.sleep,  # noqa: TID251 - it polls, in a pipeline that has nothing else to do
) -> int:
    """Return 0 if the pipeline may go on, else 1; whatever is not a plain yes is a no."""
    try:
        file = Path(given["DEPLOY_TOKEN_FILE"])
        # What an earlier attempt left is of no use to this one.
        file.unlink(missing_ok=True)
        answer = may_deploy(given)
        if answer.get("decision") is True:
            say("Go: nobody has to agree.")
            return 0
        take_token(given, wait_for_people(given, answer["context"], say=say, pause=pause), file, pause=pause)
    except (Stop, KeyError, TypeError, ValueError, OSError) as error:
        say(f"Stop: {error}")
        return 1
    say(f"Go: agreed to, and the token is in {file}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(os.environ))
