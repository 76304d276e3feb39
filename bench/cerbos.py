"""Cerbos beside us: its published program, our rules as its policies, its way of being asked.

The program comes from the npm registry by the ordinary client, into a cache outside of the repository. Without npm, or
on a machine for which there is none, the bench measures Tiergate alone and says so.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from bench.catalogue_large import PLANS, Rule, list_rules

VERSION = "0.55.0"
PATH = "/api/check/resources"

_MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_DOWNLOAD_SECONDS = 300


class CerbosMissing(Exception):
    """Say why there is no Cerbos to compare with."""


def fetch(cache: Path) -> Path:
    """Return the program, fetched on the first run.

    :raises CerbosMissing: it cannot be had here.
    """
    name = f"cerbos-{sys.platform}-{_MACHINES.get(platform.machine().lower(), platform.machine())}"
    home = cache / f"{name}-{VERSION}"
    program = home / "node_modules" / "@cerbos" / name / name
    if not program.exists():
        npm = shutil.which("npm")
        if npm is None:
            raise CerbosMissing("There is no npm here to fetch it with.")
        home.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [
                *(npm, "install", "--prefix", str(home), "--no-save", "--ignore-scripts", "--no-audit", "--no-fund"),
                f"@cerbos/{name}@{VERSION}",
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=_DOWNLOAD_SECONDS,
        )
        if done.returncode or not program.exists():
            raise CerbosMissing(f"npm could not fetch @cerbos/{name}@{VERSION}:\n{done.stderr.strip()[-500:]}")
    return program


def write_site(directory: Path, *, port: int, grpc_port: int, host: str, kinds: int) -> list[str]:
    """Write configuration and policies for so many types of resource, ten rules each; return the arguments to start by.

    Its decision log (audit) and its telemetry are off; policies are read once.
    """
    policies = directory / "policies"
    policies.mkdir(parents=True)
    for kind in range(kinds):
        (policies / f"dossier{kind:02}.json").write_text(json.dumps(policy(r for r in list_rules() if r.kind == kind)))
    configuration = directory / "cerbos.json"
    configuration.write_text(
        json.dumps(
            {
                "server": {"httpListenAddr": f"{host}:{port}", "grpcListenAddr": f"{host}:{grpc_port}"},
                "storage": {"driver": "disk", "disk": {"directory": str(policies), "watchForChanges": False}},
                "audit": {"enabled": False},
                "telemetry": {"disabled": True},
                "schema": {"enforcement": "none"},
            }
        )
    )
    return ["server", f"--config={configuration}", "--log-level=error"]


def environment() -> dict[str, str]:
    """Return what its process is given: nothing of ours."""
    return {"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", "/"), "CERBOS_NO_TELEMETRY": "1"}


def policy(rules: Iterable[Rule]) -> dict[str, object]:
    """Write one type of resource's rules as a resource policy: one rule an action, by role and condition.

    The facts that we look up are handed in with the question, which is Cerbos's way; so the level, the age of the
    proof and the plan are attributes of the principal here.
    """
    known = list(rules)
    return {
        "apiVersion": "api.cerbos.dev/v1",
        "resourcePolicy": {
            "resource": known[0].resource_type,
            "version": "default",
            "rules": [
                {
                    "actions": [rule.action.partition(".")[2]],
                    "effect": "EFFECT_ALLOW",
                    "roles": [rule.role],
                    "condition": {"match": {"all": {"of": [{"expr": one} for one in _conditions(rule)]}}},
                }
                for rule in known
            ],
        },
    }


def _conditions(rule: Rule) -> list[str]:
    asked = [
        "P.attr.tenant == R.attr.tenant",
        f"P.attr.plan in {json.dumps(PLANS)}",
        f"P.attr.level >= {rule.level}",
        f"P.attr.age <= {rule.max_age}",
    ]
    if rule.production_age is not None:
        asked.append(f'R.attr.environment != "production" || P.attr.age <= {rule.production_age}')
    return asked
