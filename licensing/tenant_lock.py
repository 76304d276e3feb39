"""One change at a time of what a tenant holds, and of who may do what in it; what is only read waits for nobody."""

from uuid import UUID

from licensing.errors import TenantNotFound
from licensing.models.directory import Tenant


def lock_tenant(tenant_id: UUID) -> None:
    """Let one change of a tenant in at a time, so that each sees what the one before left; first in its transaction.

    What is looked up before something is written, and told as what was before, is then still so when it is written.

    :raises TenantNotFound: there is no such tenant.
    """
    if Tenant.objects.select_for_update(no_key=True).filter(id=tenant_id).first() is None:
        raise TenantNotFound("There is no such tenant.")
