"""The door of the account's pages."""

from collections.abc import Callable

from console.doors import Page, person_page
from tiergate import Action

HOME = "/account/security"


def account_page(action: Action, *methods: str, holds_secret: bool = False) -> Callable[[Page], Page]:
    """Let a person into a page of their own account; see `console.doors.person_page`."""
    return person_page(action, *methods, home=HOME, holds_secret=holds_secret)
