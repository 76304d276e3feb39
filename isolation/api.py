"""The door: serve one tenant at a time, and see no other's rows."""

from isolation.errors import CrossTenantError
from isolation.global_tables import GLOBAL_TABLES
from isolation.tenancy import current_tenant_id, tenant_transaction

__all__ = [
    "GLOBAL_TABLES",
    "CrossTenantError",
    "current_tenant_id",
    "tenant_transaction",
]
