"""How its pages look: plain, whole without a script, and marked as not being Stripe's."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from html import escape
from string import Template

from config.fake_stripe.http_server import Answer

_STYLE = """
:root { color-scheme: light; }
body { margin: 0; font: 1rem/1.5 system-ui, sans-serif; color: #1a1f36; background: #f6f8fa; }
main { max-width: 34rem; margin: 2rem auto; padding: 1.5rem; background: #fff; border: 1px solid #d5dbe1;
  border-radius: .5rem; }
.note { margin: 0; padding: .5rem 1rem; text-align: center; background: #fff4d6; color: #5a3d00; }
h1 { margin-top: 0; font-size: 1.4rem; } h2 { font-size: 1.1rem; }
dl { display: grid; grid-template-columns: 1fr auto; gap: .25rem 1rem; } dt, dd { margin: 0; } dd { text-align: right; }
fieldset { border: 1px solid #d5dbe1; border-radius: .5rem; margin: 1rem 0; } label { display: block; padding: .25rem 0; }
input[type=email] { font: inherit; box-sizing: border-box; width: 100%; padding: .4rem; }
button { font: inherit; padding: .6rem 1.2rem; border: 0; border-radius: .4rem; background: #4b45d1; color: #fff;
  cursor: pointer; } button.quiet { background: #e3e8ee; color: #1a1f36; }
:focus-visible { outline: 3px solid #0a66c2; outline-offset: 2px; }
[role=alert] { padding: .75rem 1rem; border-left: 4px solid #b3093c; background: #fdf0f3; }
a { color: #3b34b5; }
@media (max-width: 36rem) { main { margin: 0; border: 0; border-radius: 0; } }
"""
_PAGE = Template(
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>$title</title>'
    f"<style>{_STYLE}</style></head>"
    '<body><header class="note">A practice Stripe. No card is charged, no money moves.</header>'
    "<main><h1>$title</h1>$alert$body</main></body></html>"
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; frame-ancestors 'none'"


def page(title: str, body: str, *, alert: str = "", status: int = 200) -> Answer:
    """Write a page. body: HTML. title, alert: text."""
    said = f'<p role="alert">{escape(alert)}</p>' if alert else ""
    text = _PAGE.substitute(title=escape(title), alert=said, body=body)
    return Answer(
        status, text.encode(), {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": _POLICY}
    )


def sent_to(url: str) -> Answer:
    """Send somebody on."""
    return Answer(303, b"", {"Location": url})


def facts(rows: Iterable[tuple[str, str]]) -> str:
    """Write names and what they are."""
    return "<dl>" + "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in rows) + "</dl>"


def choices(legend: str, name: str, known: Mapping[str, str]) -> str:
    """Write choices of which the first is taken."""
    rows = [
        f'<label><input type="radio" name="{name}" value="{escape(value)}"{" checked" if number == 0 else ""}> '
        f"{escape(says)}</label>"
        for number, (value, says) in enumerate(known.items())
    ]
    return f"<fieldset><legend>{escape(legend)}</legend>{''.join(rows)}</fieldset>"


def form(inside: str, *buttons: str) -> str:
    """Write a form that is sent to the page that it is on."""
    return f'<form method="post">{inside}{" ".join(buttons)}</form>'


def button(says: str, *, does: str, about: str = "", quiet: bool = False) -> str:
    """Write a button. does: what is sent as ``do``, with what it is about."""
    return (
        f'<button{" class=quiet" if quiet else ""} name="do" value="{escape(f"{does} {about}".strip())}">'
        f"{escape(says)}</button>"
    )


def link(says: str, url: str | None) -> str:
    """Write a link; nothing where there is nowhere to go."""
    return f'<p><a href="{escape(url)}">{escape(says)}</a></p>' if url else ""


def money(cents: int, currency: str) -> str:
    """Write an amount."""
    return f"{cents / 100:,.2f} {currency.upper()}"
