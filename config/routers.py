"""Which database role does what: the owner alone changes the schema."""

from typing import Any


class OneDatabaseThreeRoles:
    """Three aliases of one database; they differ in the role that connects."""

    def db_for_read(self, _model: type, **_hints: Any) -> None:
        """Leave it to the caller: the app's role, unless a query names another alias."""

    def db_for_write(self, _model: type, **_hints: Any) -> None:
        """Leave it to the caller, as for reading."""

    def allow_relation(self, _first: Any, _second: Any, **_hints: Any) -> bool:
        """Let rows that came by different roles refer to each other: they are of one database."""
        return True

    def allow_migrate(self, db: str, _app_label: str, **_hints: Any) -> bool:
        """Migrate as the owner alone."""
        return db == "owner"
