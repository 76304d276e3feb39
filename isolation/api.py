"""The door: serve one tenant at a time, see no other's rows, and keep secrets shut."""

from isolation.errors import CrossTenantError, SecretUnreadable
from isolation.global_tables import GLOBAL_TABLES
from isolation.keyring import keyed_digests, seal, unseal
from isolation.statement import tenant_row
from isolation.tenancy import current_tenant_id, tenant_transaction

__all__ = [
    "GLOBAL_TABLES",
    "CrossTenantError",
    "SecretUnreadable",
    "current_tenant_id",
    "keyed_digests",
    "seal",
    "tenant_row",
    "tenant_transaction",
    "unseal",
]
