"""The room as Django knows it."""

from django.apps import AppConfig


class LicensingConfig(AppConfig):
    """Tenants, the catalogue, subscriptions, overrides, and snapshots of them."""

    name = "licensing"

    def ready(self) -> None:
        """Let the trail hear of people who were erased elsewhere."""
        import audit.api  # noqa: PLC0415 - not before the models are there
        from licensing.push import subscribe  # noqa: PLC0415 - as above

        subscribe(audit.api.forget_people)
