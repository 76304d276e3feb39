"""`manage.py plans list|show|draft|diff|publish|retire|migrate`."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

import msgspec
from django.core.management.base import BaseCommand, CommandError

from isolation.clock import now
from licensing.history.wording import aligned
from licensing.plan_content import Price
from licensing.plans.diffing import diff_versions
from licensing.plans.drafts import UNCHANGED, begin_draft, discard_draft, edit_draft, publish_version, retire_version
from licensing.plans.effects import effect_sentences
from licensing.plans.migrating import MigrationPreview, MigrationProgress, preview_migration, run_migration
from licensing.plans.versions import VersionView, get_version, list_versions, view_json
from licensing.tenants import get_tenant
from tiergate import Term, TiergateError

_BY = "manage.py"
_STEP = 50


class Command(BaseCommand):
    """See to plans over time."""

    help = "Drafts of plans, what differs, putting on sale and off it, and moving tenants from version to version."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("list", help="list every version")
        show = verbs.add_parser("show", help="show a version with its terms, as JSON")
        show.add_argument("ref", metavar="PLAN@VERSION")
        draft = verbs.add_parser("draft", help="begin a draft, or change one")
        draft.add_argument("ref", metavar="PLAN|PLAN@VERSION", help="a plan: begin one; a draft: change it")
        draft.add_argument("--add-on", action="store_true", help="the plan is an add-on")
        draft.add_argument("--from", dest="source", type=int, metavar="VERSION", help="begin with what it says")
        draft.add_argument("--put", action="append", default=[], metavar='{"feature": …}', help="a term, as JSON")
        draft.add_argument("--remove", action="append", default=[], metavar="FEATURE")
        draft.add_argument("--price", metavar="AMOUNT:CURRENCY:INTERVAL|none", help="e.g. 4900:eur:month")
        draft.add_argument("--grace-days", type=int)
        draft.add_argument("--discard", action="store_true", help="throw it away")
        diff = verbs.add_parser("diff", help="say how one version differs from another")
        diff.add_argument("old", metavar="PLAN@VERSION")
        diff.add_argument("new", metavar="PLAN@VERSION")
        for verb, does in (("publish", "put a version on sale"), ("retire", "take a version off sale")):
            verbs.add_parser(verb, help=does).add_argument("ref", metavar="PLAN@VERSION")
        migrate = verbs.add_parser("migrate", help="show what a move would do to each tenant; with --run, do it")
        migrate.add_argument("old", metavar="PLAN@VERSION", nargs="?")
        migrate.add_argument("new", metavar="PLAN@VERSION", nargs="?")
        migrate.add_argument("--tenant", action="append", metavar="SLUG", help="this one alone; may be repeated")
        migrate.add_argument("--run", metavar="DIGEST", help="do what the preview of this digest has shown")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do one thing and say what came of it."""
        try:
            for line in getattr(self, f"_{options['verb']}")(options):
                self.stdout.write(line)
        except TiergateError as error:
            raise CommandError(error.detail) from error

    def _list(self, _options: dict[str, Any]) -> Iterator[str]:
        rows = [["VERSION", "STATUS", "ON SALE", "PRICE", "TERMS"]]
        rows += [
            [str(one.ref), one.status, "yes" if one.is_on_sale else "", _price(one), str(len(one.terms))]
            for one in list_versions()
        ]
        yield from aligned(rows)

    def _show(self, options: dict[str, Any]) -> Iterator[str]:
        yield _json(get_version(ref=options["ref"]))

    def _draft(self, options: dict[str, Any]) -> Iterator[str]:
        ref = options["ref"]
        if options["discard"]:
            discard_draft(ref=ref, by=_BY, at=now())
            yield f"{ref} is gone"
            return
        if "@" not in ref:
            kind = "add_on" if options["add_on"] else "plan"
            ref = str(begin_draft(plan=ref, kind=kind, from_version=options["source"], by=_BY, at=now()).ref)
        view = edit_draft(
            ref=ref,
            put=[_term(one) for one in options["put"]],
            remove=options["remove"],
            price=_price_in(options["price"]) if options["price"] else UNCHANGED,
            grace_days=options["grace_days"],
            by=_BY,
            at=now(),
        )
        yield _json(view)

    def _diff(self, options: dict[str, Any]) -> Iterator[str]:
        found = diff_versions(old=options["old"], new=options["new"])
        yield from [one.sentence for one in found] or ["Nothing differs."]

    def _publish(self, options: dict[str, Any]) -> Iterator[str]:
        view = publish_version(ref=options["ref"], by=_BY, at=now())
        yield f"{view.ref} is on sale; who is on another version stays on it"

    def _retire(self, options: dict[str, Any]) -> Iterator[str]:
        view = retire_version(ref=options["ref"], by=_BY, at=now())
        yield f"{view.ref} is off sale; who is on it keeps it"

    def _migrate(self, options: dict[str, Any]) -> Iterator[str]:
        if options["run"]:
            yield from _running(options["run"])
            return
        if not (options["old"] and options["new"]):
            raise CommandError("Name the version to move from and the one to move to, or --run a digest.")
        named = options["tenant"]
        preview = preview_migration(
            from_version=options["old"],
            to_version=options["new"],
            tenants=None if named is None else [get_tenant(one).id for one in named],
            at=now(),
        )
        yield from _preview_lines(preview)


def _running(digest: str) -> Iterator[str]:
    progress: MigrationProgress | None = None
    while progress is None or progress.left:
        progress = run_migration(digest=digest, by=_BY, at=now(), limit=_STEP)
        yield f"{progress.moved} moved, {len(progress.refused)} refused, {progress.left} left"
    yield from (f"! {slug} stays on {progress.from_version}: {why}" for slug, why in progress.refused)


def _preview_lines(preview: MigrationPreview) -> Iterator[str]:
    yield f"{preview.from_version} -> {preview.to_version}"
    yield from (f"  {one.sentence}" for one in preview.differences)
    for one in preview.tenants:
        billed = f" (billed by {one.managed_by} as before)" if one.managed_by else ""
        yield f"{one.slug}{billed}: {'; '.join(effect_sentences(one.effect))}"
    yield f"{len(preview.tenants)} tenants. Nobody was moved: to do just this, say"
    yield f"  manage.py plans migrate --run {preview.digest}"


def _json(view: VersionView) -> str:
    return msgspec.json.format(msgspec.json.encode(view_json(view)), indent=2).decode()


def _price(view: VersionView) -> str:
    price = view.price
    return f"{price.amount} {price.currency}/{price.interval}" if price else "-"


def _price_in(text: str) -> Price | None:
    if text == "none":
        return None
    amount, _, rest = text.partition(":")
    currency, _, interval = rest.partition(":")
    if not (amount.isascii() and amount.isdigit()):
        raise CommandError("A price is written like 4900:eur:month, in minor units; or none.")
    return Price(amount=int(amount), currency=currency, interval=interval)


def _term(text: str) -> Term:
    try:
        return msgspec.json.decode(text, type=Term)
    except msgspec.MsgspecError as error:
        raise CommandError(f"--put {text!r} is no term: {error}.") from error
