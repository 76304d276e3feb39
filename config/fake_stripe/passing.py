"""Time passes."""

from config.fake_stripe.account import Account


def pass_to(account: Account, until: int) -> None:
    """Let the account's clock stand at an instant; what falls due until then happens first."""
    account.frozen = until
