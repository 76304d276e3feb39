"""Where events are sent, and what was sent."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_datetime

from isolation.clock import now
from licensing.models.outbox import EventKind
from licensing.webhooks.endpoints import (
    DEFAULT_OVERLAP,
    Endpoint,
    change_endpoint,
    create_endpoint,
    get_endpoint,
    list_endpoints,
    remove_endpoint,
    roll_secret,
)
from licensing.webhooks.pinging import ping_endpoint
from licensing.webhooks.replaying import Delivery, list_deliveries, replay_delivery, replay_since
from tiergate import TiergateError

_BY: Final = "manage.py"


class Command(BaseCommand):
    """Keeps the vendor's endpoints; a secret is printed once, alone on standard output."""

    help = "Create, list, enable, disable, ping, roll, remove endpoints of webhooks; list and replay deliveries."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the verbs and what each takes."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="begin to send events somewhere; prints the secret")
        create.add_argument("url")
        create.add_argument("--kind", action="append", dest="kinds", choices=[*EventKind], help="all if left out")
        create.add_argument("--tenant", default=None, help="of this tenant alone; of all if left out")
        create.add_argument("--title", default="")
        verbs.add_parser("list", help="list the endpoints")
        for verb in ("enable", "disable", "remove", "ping"):
            verbs.add_parser(verb).add_argument("endpoint", type=UUID)
        roll = verbs.add_parser("roll", help="exchange the secret; prints the new one")
        roll.add_argument("endpoint", type=UUID)
        roll.add_argument("--overlap-seconds", type=int, default=int(DEFAULT_OVERLAP / timedelta(seconds=1)))
        deliveries = verbs.add_parser("deliveries", help="list what was sent, the newest first")
        deliveries.add_argument("--endpoint", type=UUID, default=None)
        deliveries.add_argument("--state", default="")
        deliveries.add_argument("--tenant", default="")
        deliveries.add_argument("--limit", type=int, default=50)
        replay = verbs.add_parser("replay", help="send again: one delivery, or an endpoint all since an instant")
        replay.add_argument("--delivery", type=UUID, default=None)
        replay.add_argument("--endpoint", type=UUID, default=None)
        replay.add_argument("--since", default="", help="ISO 8601 with a time zone")
        replay.add_argument("--only-failed", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 - Django's own signature
        """Do what is asked.

        :raises CommandError: in a sentence, for whatever is refused.
        """
        try:
            getattr(self, f"_{options['verb']}")(options)
        except TiergateError as error:
            raise CommandError(error.detail) from error

    def _create(self, options: dict[str, Any]) -> None:
        made, secret = create_endpoint(
            url=options["url"],
            kinds=options["kinds"] or [*EventKind],
            title=options["title"],
            tenant=options["tenant"],
            by=_BY,
            at=now(),
        )
        self.stderr.write(f"{made.id} is sent {', '.join(made.kinds)}. Its secret:")
        self.stdout.write(secret)

    def _list(self, _options: dict[str, Any]) -> None:
        for one in list_endpoints():
            self.stdout.write("\t".join((str(one.id), one.url, one.tenant or "all", ",".join(one.kinds), _state(one))))

    def _enable(self, options: dict[str, Any]) -> None:
        self._switch(options["endpoint"], is_enabled=True)

    def _disable(self, options: dict[str, Any]) -> None:
        self._switch(options["endpoint"], is_enabled=False)

    def _switch(self, endpoint_id: UUID, *, is_enabled: bool) -> None:
        found = get_endpoint(endpoint_id=endpoint_id)
        changed = change_endpoint(
            endpoint_id=endpoint_id,
            url=found.url,
            kinds=found.kinds,
            title=found.title,
            is_enabled=is_enabled,
            by=_BY,
            at=now(),
        )
        self.stdout.write(f"{changed.url} is {_state(changed)}.")

    def _remove(self, options: dict[str, Any]) -> None:
        remove_endpoint(endpoint_id=options["endpoint"], by=_BY, at=now())
        self.stdout.write("Nothing is sent there any more.")

    def _ping(self, options: dict[str, Any]) -> None:
        sent = ping_endpoint(endpoint_id=options["endpoint"], by=_BY, at=now())
        said = f"{sent.status or sent.error} after {sent.milliseconds} ms"
        if not sent.is_delivered:
            raise CommandError(f"It was not taken: {said}.")
        self.stdout.write(f"It was taken: {said}.")

    def _roll(self, options: dict[str, Any]) -> None:
        overlap = timedelta(seconds=options["overlap_seconds"])
        made, secret = roll_secret(endpoint_id=options["endpoint"], overlap=overlap, by=_BY, at=now())
        until = f"until {made.rolls_until.isoformat()} beside it" if made.rolls_until else "no more"
        self.stderr.write(f"The secret of before signs {until}. The new one:")
        self.stdout.write(secret)

    def _deliveries(self, options: dict[str, Any]) -> None:
        for one in list_deliveries(
            endpoint_id=options["endpoint"],
            state=options["state"],
            tenant=options["tenant"],
            limit=options["limit"],
        ):
            self.stdout.write(_line(one))

    def _replay(self, options: dict[str, Any]) -> None:
        if (options["delivery"] is None) == (options["endpoint"] is None):
            raise CommandError("Name a --delivery, or an --endpoint with --since.")
        if options["delivery"] is not None:
            self.stdout.write(_line(replay_delivery(delivery_id=options["delivery"], by=_BY, at=now())))
            return
        try:
            since = parse_datetime(options["since"])
        except ValueError:
            since = None
        if since is None:
            raise CommandError("--since is an ISO 8601 instant with a time zone.")
        events = replay_since(
            endpoint_id=options["endpoint"], since=since, only_failed=options["only_failed"], by=_BY, at=now()
        )
        self.stdout.write(f"{events} events are sent again.")


def _state(one: Endpoint) -> str:
    return "enabled" if one.is_enabled else f"disabled: {one.disabled_because}"


def _line(one: Delivery) -> str:
    said = one.last_status or one.last_error or "-"
    return "\t".join(
        (str(one.id), one.at.isoformat(), one.tenant, one.kind, one.url, one.state, str(one.attempts), str(said))
    )
