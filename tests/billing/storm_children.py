"""What a storm starts: `receiver` takes webhooks and prints its port; `workers SEED` works, and is killed all the time.

The workers' parent forks two at a time and kills each with SIGKILL after a while that the seed decides, wherever it is.
It does so until its standard input is closed; then two are left to work until they are ended.
Whatever becomes of the test, nothing of it outlives it: each is bound to who started it.
"""

import os
import random
import select
import signal
import sys
import threading
from datetime import timedelta
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import django

from config.demo.child import end_with

AT_ONCE = 2
LIVES_SECONDS = (0.3, 1.8)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    request_queue_size = 128


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as its parent calls it
        """Say nothing."""


def receive() -> None:
    from django.core.wsgi import get_wsgi_application  # noqa: PLC0415 - not before Django is set up

    server = _Server(("127.0.0.1", 0), _Quiet)
    server.set_app(get_wsgi_application())
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


def work() -> None:
    from billing import resolving, syncing  # noqa: PLC0415 - not before Django is set up
    from billing.gateway import get_gateway  # noqa: PLC0415 - as above
    from isolation.clock import now  # noqa: PLC0415 - as above

    idle = threading.Event()
    while True:
        resolving.resolve_events(gateway=get_gateway(), clock=now)
        if not syncing.work_off(gateway=get_gateway(), clock=now, until=now() + timedelta(seconds=5)):
            idle.wait(0.05)


def kill_workers(seed: int) -> None:
    chance = random.Random(f"kills {seed}")  # noqa: S311 - a seed must make the same run again
    killed, is_storm, workers = 0, True, [_fork() for _ in range(AT_ONCE)]
    try:
        while is_storm:
            is_storm = not select.select([sys.stdin], [], [], chance.uniform(*LIVES_SECONDS))[0]
            if is_storm:
                victim = workers.pop(0)
                os.kill(victim, signal.SIGKILL)
                os.waitpid(victim, 0)
                killed += 1
                workers.append(_fork())
        sys.stdout.write(f"{killed}\n")
        sys.stdout.flush()
        signal.pause()
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
            os.waitpid(worker, 0)


def _fork() -> int:
    us = os.getpid()
    child = os.fork()
    if child:
        return child
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_with(us)
    try:
        work()
    finally:
        os._exit(1)


def _end(*_: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    signal.signal(signal.SIGTERM, _end)
    django.setup()
    if sys.argv[1] == "receiver":
        receive()
    else:
        kill_workers(int(sys.argv[2]))
