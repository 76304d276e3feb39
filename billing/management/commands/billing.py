"""`manage.py billing`: how it stands, whether it is true, and what a person can do about it."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

import yaml
from django.core.management.base import BaseCommand, CommandError

from billing import catching_up, importing, letters, mapping_file, pushing, reconciling, standing, syncing
from billing.customers import get_customer
from billing.gateway import StripeGateway, get_gateway
from billing.letters import SWEEP
from billing.models import Customer
from isolation.clock import now
from licensing import api as licensing
from tiergate import TiergateError

DIFFERS: Final = 2
_BY: Final = "manage.py"
_PAGE: Final = 500


class Command(BaseCommand):
    """Look after billing."""

    help = "Look after billing: status, reconcile, sync, sweep, dead-letters, replay, push-prices, import, map."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("status", help="print what waits, and since when")
        repair = verbs.add_parser("reconcile", help="compare every tenant with Stripe; exit with 2 where one differs")
        repair.add_argument("--repair", action="store_true", help="have those that differ be read again")
        sync = verbs.add_parser("sync", help="read one tenant's state now")
        sync.add_argument("tenant", help="slug or id")
        verbs.add_parser("sweep", help="have everybody be read again")
        verbs.add_parser("dead-letters", help="list what a person must look at")
        replay = verbs.add_parser("replay", help="try some of them again")
        replay.add_argument("ref", nargs="*", help="as dead-letters shows them")
        replay.add_argument("--all", action="store_true")
        push = verbs.add_parser("push-prices", help="make products and prices at Stripe for what is on sale")
        push.add_argument("--plan", action="store_true", help="print what would be made, and make nothing")
        reads = verbs.add_parser("import", help="draft a catalogue and a mapping out of an account at Stripe")
        reads.add_argument("--into", type=Path, required=True, help="a directory for catalog.yaml and mapping.yaml")
        maps = verbs.add_parser("map", help="take a mapping: which price pays for what, which account is whose")
        maps.add_argument("file", metavar="mapping.yaml")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it.

        :raises CommandError: in a sentence.
        """
        try:
            getattr(self, "_" + options["verb"].replace("-", "_"))(options)
        except TiergateError as error:
            raise CommandError(f"{error.detail} ({error.code})") from error

    def _status(self, _options: dict[str, Any]) -> None:
        found = standing.billing_backlog()
        self.stdout.write(f"to be read      {found.dirty}, the first since {found.dirty_since or '-'}")
        self.stdout.write(f"dead letters    {found.dead}")
        self.stdout.write(f"all read since  {found.unread_since or '-'}")

    def _reconcile(self, options: dict[str, Any]) -> None:
        found = reconciling.reconcile(gateway=get_gateway(), at=now())
        for one in found:
            self.stdout.write(one.line())
        if options["repair"]:
            count = letters.mark_again({one.customer for one in found if one.tenant}, at=now())
            self.stdout.write(f"{count} will be read again.")
        self.stdout.write(f"{len(found)} differences.")
        if found:
            sys.exit(DIFFERS)

    def _sync(self, options: dict[str, Any]) -> None:
        tenant = licensing.get_tenant(options["tenant"])
        result = syncing.sync_tenant(tenant_id=tenant.id, gateway=get_gateway(), clock=now)
        problem = get_customer(tenant_id=tenant.id).problem
        self.stdout.write(f"{tenant.slug}: {result}" + (f" ({problem})" if problem else ""))

    def _sweep(self, _options: dict[str, Any]) -> None:
        at = now()
        self.stdout.write(f"{catching_up.sweep(at=at, before=at, limit=None)} will be read again.")

    def _dead_letters(self, _options: dict[str, Any]) -> None:
        found = letters.list_dead_letters()
        for one in found:
            self.stdout.write(f"{one.kind:9}{one.ref:38} since {one.since:%Y-%m-%d %H:%M}  {one.about}  {one.problem}")
        self.stdout.write(f"{len(found)} dead letters.")

    def _replay(self, options: dict[str, Any]) -> None:
        refs = [one.ref for one in letters.list_dead_letters()] if options["all"] else options["ref"]
        if not refs and not options["all"]:
            raise CommandError("Name what is to be tried again, or say --all.")
        for ref in refs:
            if not letters.replay(ref=ref, by=_BY, at=now()):
                raise CommandError(f"There is no dead letter {ref!r}.")
        self.stdout.write(f"{len(refs)} will be tried again.")

    def _push_prices(self, options: dict[str, Any]) -> None:
        gateway: StripeGateway | None = None if options["plan"] else get_gateway()
        for one in pushing.push_prices(gateway=gateway, by=_BY, at=now()):
            self.stdout.write(f"{one.version}: {one.price or 'would be made'}")

    def _import(self, options: dict[str, Any]) -> None:
        gateway = get_gateway()
        draft = importing.draft_of(
            products=gateway.products(),
            prices=gateway.prices(),
            customers=gateway.customers(),
            subscriptions=gateway.subscriptions_by_customer(),
            tenants=self._tenants(),
        )
        into: Path = options["into"]
        into.mkdir(parents=True, exist_ok=True)
        mapping = {"prices": draft.prices, "customers": draft.customers}
        for name, content in (("catalog.yaml", draft.catalogue), ("mapping.yaml", mapping)):
            (into / name).write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True), encoding="utf-8")
        self.stdout.write(f"{len(draft.prices)} prices and {len(draft.customers)} accounts are mapped, in {into}.")
        for sentence in draft.unmapped:
            self.stdout.write(f"? {sentence}")
        if draft.unmapped:
            sys.exit(DIFFERS)

    def _map(self, options: dict[str, Any]) -> None:
        try:
            done = mapping_file.take(licensing.read_file(options["file"]).value, by=_BY, at=now())
        except licensing.FileRefused as error:
            raise CommandError("\n".join(error.lines)) from error
        self.stdout.write(f"{done.prices} prices and {done.customers} accounts are mapped anew.")
        held = Customer.objects.using(SWEEP).filter(dead_at__isnull=False).values_list("stripe_id", flat=True)
        self.stdout.write(f"{letters.mark_again(set(held), at=now())} that were held will be read again.")

    def _tenants(self) -> dict[str, str]:
        out: dict[str, str] = {}
        after = ""
        while page := licensing.list_tenants(after=after, limit=_PAGE):
            out |= {one.slug: one.slug for one in page} | {str(one.id): one.slug for one in page}
            after = page[-1].slug
        return out
