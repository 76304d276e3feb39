"""What tests of data about networks begin with."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from riskengine import api as risk
from riskengine.data.bringing import Result, Said, bring
from tests.authlevels.acme import NOON

type Bring = Callable[..., Result]


@pytest.fixture
def networks(db: None, settings: Any, tmp_path: Path) -> Iterator[Bring]:
    """Give a directory for maps, and what brings a file in and has this process see it."""
    place = tmp_path / "maps"
    place.mkdir()
    settings.RISK_DATA = str(place)

    def brought(kind: str, content: str | bytes | Path, *, at: Any = NOON, **said: Any) -> Result:
        path = content if isinstance(content, Path) else tmp_path / f"{kind}.txt"
        if not isinstance(content, Path):
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        try:
            return bring(path, kind=kind, said=Said(**said), by="test", at=at)
        finally:
            risk.look_for_data()

    yield brought
    risk.forget_data()
