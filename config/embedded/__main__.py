"""`python -m config.embedded start|stop|status`: the services without the product."""

import sys

from config.embedded import EmbeddedError, ensure_running, postgres, stop, valkey
from config.embedded.paths import APP, database_url, place, valkey_url
from config.embedded.supervise import pin, watch


def main(arguments: list[str]) -> int:
    """Do one verb; the exit code is 0 when the services are as asked, or up for `status`."""
    match arguments:
        case ["start"]:
            ensure_running()
            pin()
            _say(f"{database_url(APP)}\n{valkey_url()}")
        case ["stop"]:
            stop()
        case ["status"]:
            up = {"PostgreSQL": postgres.is_answering(), "Valkey": valkey.is_answering(place())}
            for name, is_up in up.items():
                _say(f"{name}: {'up' if is_up else 'down'}")
            return 0 if all(up.values()) else 3
        case ["watch"]:
            watch()
        case _:
            _say("usage: python -m config.embedded start|stop|status")
            return 2
    return 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except EmbeddedError as error:
        sys.exit(str(error))
