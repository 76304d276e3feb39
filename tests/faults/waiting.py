"""When is an installation up?"""

import http.client
from typing import Final

from config.demo.ports import HOST
from config.embedded.processes import wait_until
from tests.faults.house import House

_SECONDS: Final = 60.0


def wait_until_answered(house: House) -> None:
    """Wait until the house answers as ready, by more than one of its workers."""

    def is_ready() -> bool:
        for child in house.children:
            child.refuse_dead()
        return all(_status(house.port, "/readyz") == http.HTTPStatus.OK for _ in range(8))

    assert wait_until(is_ready, seconds=_SECONDS), f"it does not come up:\n{house.last_words()}"


def _status(port: int, path: str) -> int:
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
