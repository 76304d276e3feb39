"""A catalogue and tenants files on disk, and the commands that read them."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from psycopg import sql

SMALL = """\
features:
  reports: {title: Reports, kind: switch, requires: {level: aal1}}
  exports: {title: Exports, kind: switch}
  calls: {title: Calls, kind: limit}
  days: {title: Days kept, kind: config}
actions:
  reports.read: {title: Read, feature: reports, resource: report, granted_to: [owner, member]}
  exports.create: {title: Export, feature: exports, resource: report, granted_to: [owner]}
plans:
  free:
    title: Free
    rank: 1
    terms: {reports: true, calls: {limit: 10, per: day}}
  business:
    title: Business
    rank: 2
    price: {amount: 4900, currency: eur, interval: month}
    terms: {reports: true, exports: true, calls: {unlimited: true}, days: {value: 90}}
add_ons:
  more-calls: {title: More calls, terms: {calls: {limit: 5, per: day}}}
"""

# Without a password: digesting one takes a third of a second, as it should.
TENANTS = """\
users:
  alice: {email: alice@acme.example, totp_secret: ALICEALICEALICEALICEALICEALICEAA}
tenants:
  acme:
    name: Acme
    members:
      account:alice: [owner]
      user:42: {roles: [member], display_name: Ines, totp_secret: INESINESINESINESINESINESINESINES}
    subscription: {plan: free}
    overrides:
      - {feature: exports, effect: value, value: true, reason: A trial}
"""


@dataclass(frozen=True)
class Ran:
    """What a command printed, and how it ended."""

    code: int
    out: list[str]
    err: list[str]


type Apply = Callable[..., Ran]


@pytest.fixture
def apply(tmp_path: Path) -> Apply:
    """Return `apply("catalog", text, *flags)`, which writes the text to a file and applies it."""

    def run(command: str, text: str | bytes, *flags: str) -> Ran:
        file = tmp_path / f"{command}.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        out, err = io.StringIO(), io.StringIO()
        code: object = 0
        try:
            call_command(command, "apply", str(file), *flags, stdout=out, stderr=err)
        except SystemExit as ended:
            code = ended.code
        assert isinstance(code, int)
        told = err.getvalue().replace(f"{tmp_path}/", "")
        return Ran(code, out.getvalue().splitlines(), told.splitlines())

    return run


@pytest.fixture
def footprint(superuser: psycopg.Connection) -> Callable[[], list[object]]:
    """Return what tells of any write: every generation, the trail, and all rows of catalogue, tenants and people."""

    def read() -> list[object]:
        found: list[object] = []
        for table in (
            "licensing_generation",
            "audit_entry",
            "licensing_feature",
            "licensing_action",
            "licensing_role_default",
            "licensing_scope",
            "licensing_scope_action",
            "licensing_plan_version",
            "licensing_tenant",
            "licensing_member",
            "licensing_subscription",
            "licensing_override",
            "authlevels_user",
            "authlevels_totpdevice",
        ):
            rows = superuser.execute(sql.SQL("SELECT * FROM {} ORDER BY 1").format(sql.Identifier(table))).fetchall()
            found.append((table, rows))
        superuser.rollback()
        return found

    return read
