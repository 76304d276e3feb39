"""The three PostgreSQL roles, by name.

Each may be a log-in role or a group that the log-in role belongs to: policies and grants hold either way.
"""

from typing import Final

OWNER_ROLE: Final = "tiergate_owner"
"""Owns the tables and runs migrations; never serves a request."""

APP_ROLE: Final = "tiergate_app"
"""Serves requests: sees the rows of one tenant in one transaction, and of no other."""

SWEEP_ROLE: Final = "tiergate_sweep"
"""Works across tenants: sweeps, sealing, the operator's admin. The decision path never holds it."""

TENANT_SETTING: Final = "app.tenant_id"
"""The transaction-local setting that the policies read."""
