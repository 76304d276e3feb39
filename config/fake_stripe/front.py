"""The pages that a person sees: checkout, the portal, an invoice."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl

from config.fake_stripe import checkout, portal
from config.fake_stripe.account import Account
from config.fake_stripe.cards import CARDS
from config.fake_stripe.http_server import Answer, Request
from config.fake_stripe.invoices import lines_of
from config.fake_stripe.lines import product_name
from config.fake_stripe.pages import button, choices, facts, form, link, money, page, sent_to
from config.fake_stripe.wire import Missing, Obj, Params, Refusal

_SHOWN = ("pm_card_visa", "pm_card_mastercard", "pm_card_visa_chargeDeclined", "pm_card_chargeCustomerFail")
_CARDS = {name: f"{CARDS[name].brand.title()} {CARDS[name].number}: {CARDS[name].says}" for name in _SHOWN}


class Front:
    """Answers pages; what a person does there happens as it would by the API."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def answer(self, request: Request) -> Answer:
        """Answer one page, or what is sent from it."""
        told = dict(parse_qsl(request.body.decode(errors="replace"))) if request.method == "POST" else None
        with self._account.lock:
            try:
                match request.path.strip("/").split("/"):
                    case ["c", "pay", name]:
                        return self._checkout(name, told)
                    case ["p", "session", name]:
                        return self._portal(name, told)
                    case ["i", name] if told is None:
                        return self._invoice(name)
                    case ["i", name, "pdf"] if told is None:
                        return self._invoice(name)
                    case _:
                        return page("There is no such page", "", status=404)
            except Missing as missing:
                return page("There is no such page", "", alert=str(missing), status=404)

    def _checkout(self, name: str, told: dict[str, str] | None) -> Answer:
        session = checkout.get_session(self._account, Params({}), name)
        if session["status"] != "open":
            if session["status"] == "complete":
                return page("This is paid", link("Go on", checkout.success_url(session)))
            return page("This checkout has expired", link("Go back", session["cancel_url"]))
        if told is None:
            return self._offer(session)
        try:
            return sent_to(
                checkout.complete(self._account, name, told.get("card", ""), email=told.get("email") or None)
            )
        except Refusal as refusal:
            return self._offer(session, alert=str(refusal))

    def _offer(self, session: Obj, alert: str = "") -> Answer:
        lines = self._account.secret(session["id"])["lines"]
        rows = [
            (
                f"{line['description']} × {line['quantity']}",  # noqa: RUF001 - a sign for times
                f"{money(line['amount_total'], line['currency'])} / {line['price']['recurring']['interval']}",
            )
            for line in lines
        ]
        due = ("Due today", money(session["amount_total"], session["currency"]))
        known = (session["customer_details"] or {}).get("email") or session["customer_email"]
        who = (
            facts([("Email", known)])
            if known
            else '<label>Email <input type="email" name="email" autocomplete="email" required></label>'
        )
        inside = who + choices("Card", "card", _CARDS)
        body = facts([*rows, due]) + form(inside, button("Subscribe", does="pay"))
        return page(
            "Subscribe", body + link("Go back", session["cancel_url"]), alert=alert, status=402 if alert else 200
        )

    def _portal(self, name: str, told: dict[str, str] | None) -> Answer:
        session = self._account.get("billing_portal.session", name)
        if told is None:
            return self._home(session)
        does, _, about = told.get("do", "").partition(" ")
        try:
            if does == "card":
                portal.change_card(self._account, session, told.get("card", ""))
            elif does in {"cancel", "keep"}:
                portal.cancel_at_end(self._account, session, about, ends=does == "cancel")
            else:
                return self._home(session, alert="There is nothing of that kind to do here.")
        except Refusal as refusal:
            return self._home(session, alert=str(refusal))
        return sent_to(session["url"])

    def _home(self, session: Obj, alert: str = "") -> Answer:
        parts = []
        for subscription in portal.subscriptions_of(self._account, session):
            rows = [
                (
                    f"{product_name(self._account, item['price'])} × {item['quantity']}",  # noqa: RUF001 - as above
                    f"until {_day(item['current_period_end'])}",
                )
                for item in subscription["items"]["data"]
            ]
            rows.append(("Status", subscription["status"].replace("_", " ")))
            if subscription["cancel_at"]:
                rows.append(("Ends", _day(subscription["cancel_at"])))
                does = button("Keep the plan", does="keep", about=subscription["id"])
            else:
                does = button("Cancel the plan", does="cancel", about=subscription["id"], quiet=True)
            parts.append(facts(rows) + form("", does))
        card = form(choices("Card", "card", _CARDS), button("Change the card", does="card"))
        body = "<h2>Plan</h2>" + ("".join(parts) or "<p>There is no plan.</p>") + "<h2>Payment</h2>" + card
        return page("Billing", body + link("Go back", session["return_url"]), alert=alert, status=400 if alert else 200)

    def _invoice(self, name: str) -> Answer:
        invoice = self._account.get("invoice", name)
        currency = invoice["currency"]
        rows = [(line["description"], money(line["amount"], currency)) for line in lines_of(self._account, invoice)]
        rows += [
            ("Total", money(invoice["total"], currency)),
            ("Paid", money(invoice["amount_paid"], currency)),
            ("Status", invoice["status"]),
        ]
        return page(f"Invoice {invoice['number'] or 'draft'}", facts(rows))


def _day(at: int) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%d %b %Y}"
