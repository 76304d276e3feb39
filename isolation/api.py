"""The door: serve one tenant at a time, see no other's rows, keep secrets shut, send beside the requests, and for a worker."""

from isolation.alone import by_itself
from isolation.errors import CrossTenantError, SecretUnreadable
from isolation.global_tables import GLOBAL_TABLES
from isolation.keyring import check_vouched, key_ids, keyed_digests, ring_state, seal, unseal, vouched
from isolation.prepared import Text
from isolation.resealing import Resealed, count_by_key, reseal_column
from isolation.sending import PATIENCE_AT_EXIT, OneOfProcess, Sending
from isolation.statement import global_row, tenant_row
from isolation.tenancy import current_tenant_id, tenant_transaction
from isolation.worker import EXPIRES_SECONDS, send_for_worker

__all__ = [
    "EXPIRES_SECONDS",
    "GLOBAL_TABLES",
    "PATIENCE_AT_EXIT",
    "CrossTenantError",
    "OneOfProcess",
    "Resealed",
    "SecretUnreadable",
    "Sending",
    "Text",
    "by_itself",
    "check_vouched",
    "count_by_key",
    "current_tenant_id",
    "global_row",
    "key_ids",
    "keyed_digests",
    "reseal_column",
    "ring_state",
    "seal",
    "send_for_worker",
    "tenant_row",
    "tenant_transaction",
    "unseal",
    "vouched",
]
