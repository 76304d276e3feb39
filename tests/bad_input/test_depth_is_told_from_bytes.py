"""How deep a body is nested is known before anything descends into it."""

import json
import subprocess
import sys
import textwrap
from itertools import islice
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from authlevels.nesting import is_nested_deeper
from decisions.wire import MAX_BODY, MAX_DEPTH
from tests.bad_input.odd import bodies, seeded
from tests.decisions.asking import body

DOCUMENTS = st.recursive(
    st.none() | st.integers() | st.text(alphabet='[]{}"\\a\n'),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet='[]{}"\\', max_size=3), inner, max_size=3)
    ),
)


def depth_of(document: Any) -> int:
    inner = document.values() if isinstance(document, dict) else document if isinstance(document, list) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


@given(DOCUMENTS)
def test_brackets_count_where_they_nest_and_not_in_texts(document: Any) -> None:
    content, depth = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace"), depth_of(document)
    assert not is_nested_deeper(content, depth)
    assert depth == 0 or is_nested_deeper(content, depth - 1)


def test_what_is_no_json_is_never_thought_shallower_than_a_reader_finds_it() -> None:
    for content in islice(bodies(body(session="x"), seeded("depth")), 2_000):
        if len(content) > MAX_BODY or is_nested_deeper(content, MAX_DEPTH):
            continue
        try:
            assert depth_of(msgspec.json.decode(content)) <= MAX_DEPTH
        except (msgspec.MsgspecError, ValueError):
            continue


@pytest.mark.storm
@pytest.mark.parametrize("content", ["b'[' * 100_000", "b'{\"a\":' * 40_000", "b'{\"a\":[' * 30_000 + b'\"'"])
def test_a_deep_body_does_not_end_a_thread_of_a_server(content: str) -> None:
    """On the stack that a server's threads have; the first thread of a process has four times as much."""
    program = textwrap.dedent(
        f"""
        import threading, django
        django.setup()
        from decisions import wire
        from decisions.errors import BadRequest
        said = []
        def read():
            asked = wire.Asked(authorization="", content_type="application/json", request_id="", body={content})
            try:
                wire.parsed(asked)
            except BadRequest:
                said.append("refused")
        threading.stack_size(2 * 1024 * 1024)
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
        print(*said)
        """
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout.strip()) == (0, "refused"), done.stderr
