"""`manage.py demo` does what it prints, and leaves nothing behind, however it ends."""

import os
import signal
import socket
import sys

import pytest

from config.demo.children import living
from config.embedded.processes import wait_until
from tests.journeys.demo_process import DemoProcess, is_served, manage, paste

pytestmark = pytest.mark.storm

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_what_it_prints_works_as_printed_and_a_signal_ends_all_of_it(demo: DemoProcess, number: signal.Signals) -> None:
    questions = demo.printed_questions()
    assert {promised: paste(command)["context"]["outcome"] for promised, command in questions.items()} == {
        "allow": "allow",
        "step_up": "step_up",
        "upgrade": "upgrade",
    }
    assert len(demo.groups) == 5
    assert demo.end(number) == 0, demo.said
    assert demo.lines[-1] == "Ended."
    assert demo.is_gone()
    assert demo.recorded() == []


@linux_only
def test_a_killed_demo_leaves_no_orphans(demo: DemoProcess) -> None:
    demo.end(signal.SIGKILL)
    assert wait_until(demo.is_gone, seconds=60), living(demo.groups)


@linux_only
def test_the_next_start_ends_orphans_that_still_serve(demo: DemoProcess) -> None:
    # Stopped, it cannot notice that its servers' masters are killed; their workers go on serving.
    os.kill(demo.process.pid, signal.SIGSTOP)
    for group in demo.groups:
        os.kill(group, signal.SIGKILL)
    demo.end(signal.SIGKILL)
    assert any(is_served(port) for port in demo.ports), "nothing was left behind, so this shows nothing"
    following = DemoProcess(ports=demo.ports)
    try:
        following.start()
        assert not living(demo.groups)
        assert paste(following.printed_questions()["allow"])["decision"] is True
    finally:
        following.clear()


@pytest.mark.parametrize("position", [0, 1, 2, 3, 4])
def test_a_process_that_dies_takes_the_demo_down_with_a_sentence(demo: DemoProcess, position: int) -> None:
    name = ("stripe", "web", "decide", "worker", "beat")[position]
    os.killpg(demo.groups[position], signal.SIGKILL)
    assert demo.process.wait(timeout=90) == 1
    assert wait_until(lambda: f"The demo's {name} process ended by itself (by SIGKILL)" in demo.said, seconds=60)
    assert demo.is_gone()


def test_an_occupied_port_is_refused_by_its_number(own_database: None) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = manage("demo", "--port", str(port))
    assert done.returncode == 1
    assert f"Port {port}, which the demo needs for pages and the API, is occupied" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_demo_is_refused_while_the_first_runs(demo: DemoProcess) -> None:
    done = manage("demo", "--port", "0")
    assert done.returncode == 1
    assert "A demo of this checkout is running already" in done.stderr
    assert is_served(demo.ports[0])
