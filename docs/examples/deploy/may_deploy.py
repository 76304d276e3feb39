"""Ask whether this run of the pipeline may deploy this commit, and wait for a person where one has to agree.

Exit code 0 means yes, once, for this repository, commit and run; anything else means stop. Needs Python's standard
library alone. It reads TIERGATE_URL, TIERGATE_KEY, TIERGATE_SERVICE (the credential's name), DEPLOY_REPOSITORY,
DEPLOY_COMMIT, DEPLOY_RUN and DEPLOY_ENVIRONMENT.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

ASK_EVERY = 5
"""Seconds between looks at whether somebody has agreed."""


class Stop(Exception):
    """Why the pipeline must not go on."""


def call(given: Mapping[str, str], path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Call Tiergate; a POST where there is a body."""
    request = Request(  # noqa: S310 - the address is the pipeline's own setting
        given["TIERGATE_URL"].rstrip("/") + path,
        data=None if body is None else json.dumps(body).encode(),
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
        raise Stop(f"Tiergate answered {error.code} to {path}.") from error
    except (URLError, TimeoutError, ValueError) as error:
        raise Stop(f"Tiergate did not answer {path}: {error}") from error
    if not isinstance(found, dict):
        raise Stop(f"Tiergate answered {path} with no object.")
    return found


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
) -> None:
    """Open the approval that the refusal calls for, and return once enough people have agreed."""
    opened = call(given, "/step-up/approvals", {"decision_id": refused["approval"]["decision_id"]})
    say(f"Waiting for {opened['needed']} to agree to {given['DEPLOY_COMMIT'][:12]} in {given['DEPLOY_ENVIRONMENT']}.")
    say(f"Approval: {opened['approval_id']}, until {opened['expires_at']}")
    if "user_code" in opened:
        say(f"Code: {opened['user_code']} at {opened['verification_uri']}")
    while True:
        state = call(given, f"/step-up/approvals/{opened['approval_id']}")["state"]
        if state == "approved":
            return
        if state != "pending":
            raise Stop(f"The approval is {state}.")
        pause(ASK_EVERY)


def main(
    given: Mapping[str, str],
    *,
    say: Callable[[str], object] = print,
    pause: Callable[[float], object] = time.sleep,  # noqa: TID251 - it looks again, in a pipeline that has nothing else to do
) -> int:
    """Return 0 if the pipeline may go on, else 1; whatever is not a plain yes is a no."""
    try:
        answer = may_deploy(given)
        if answer.get("decision") is not True and answer.get("context", {}).get("reason") == "approval_required":
            wait_for_people(given, answer["context"], say=say, pause=pause)
            answer = may_deploy(given)
        if answer.get("decision") is True:
            say(f"Go: {answer.get('context', {}).get('id', 'allowed')}")
            return 0
        say(f"Stop: {answer.get('context', {}).get('reason', 'refused')}")
    except (Stop, KeyError) as error:
        say(f"Stop: {error}")
    return 1


if __name__ == "__main__":
    sys.exit(main(os.environ))
