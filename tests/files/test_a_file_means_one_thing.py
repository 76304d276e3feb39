"""What is read of YAML, and what is refused, with its line."""

import time
from pathlib import Path

import pytest

from licensing.api import FileRefused, read_file
from licensing.catalog_file.source import MAX_BYTES, read_text


def value(text: str) -> object:
    document = read_text("a.yaml", text.encode())
    assert document.mistakes == ()
    return document.value


def refusal(raw: str | bytes) -> list[str]:
    """Read something that is wrong, and return what was told of it."""
    try:
        document = read_text("a.yaml", raw if isinstance(raw, bytes) else raw.encode())
    except FileRefused as refused:
        return list(refused.lines)
    assert document.mistakes, f"{document.value!r} was read"
    return list(FileRefused("a.yaml", document.mistakes).lines)


def test_scalars_are_those_of_json() -> None:
    text = "{a: 1, b: -2, c: 1.5, d: true, e: null, f: ~, g: text, h: '1', i: \"true\", j: 1e3}"
    assert value(text) == {
        "a": 1,
        "b": -2,
        "c": 1.5,
        "d": True,
        "e": None,
        "f": None,
        "g": "text",
        "h": "1",
        "i": "true",
        "j": 1000.0,
    }


def test_what_yaml_once_took_for_something_else_is_text() -> None:
    text = "{on: off, yes: no, y: n, a: 2026-11-22, b: 0x1F, c: 0o17, d: 017, e: 1_000, f: 12:30, g: .inf, h: .nan}"
    assert value(text) == {
        "on": "off",
        "yes": "no",
        "y": "n",
        "a": "2026-11-22",
        "b": "0x1F",
        "c": "0o17",
        "d": "017",
        "e": "1_000",
        "f": "12:30",
        "g": ".inf",
        "h": ".nan",
    }


def test_a_byte_order_mark_and_windows_line_ends_are_read() -> None:
    assert read_text("a.yaml", b"\xef\xbb\xbfa: 1\r\nb: 2\r\n").value == {"a": 1, "b": 2}


def test_every_member_knows_its_line() -> None:
    document = read_text("a.yaml", b"a:\n  b: 1\n  c:\n    - x\n    - y\n")
    assert [document.line(path) for path in [("a",), ("a", "c"), ("a", "c", 1), ("a", "c", 1, "z")]] == [1, 3, 5, 5]


def test_a_key_given_twice_names_both_lines() -> None:
    assert refusal("a:\n  b: 1\n  c: 2\n  b: 3\n") == ["a.yaml:4: a.b was given on line 2 already."]


@pytest.mark.parametrize("key", ["true", "null", "~", "42", "1.5", "[a]", "{a: 1}"])
def test_a_key_that_is_no_text_is_refused(key: str) -> None:
    assert len(refusal(f"ok: 1\n? {key}\n: 2\n")) == 1


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: &x 1\nb: *x\n", 2),
        ("a: 1\nb: !!python/object/apply:os.system [ls]\n", 2),
        ("a: !mine 1\n", 1),
        ("!!map {a: 1}\n", 1),
        ("a: 1\n---\nb: 2\n", 2),
        ("a: [1, 2\nb: 3\n", 2),
        ("a:\n\tb: 1\n", 2),
        ('a: 1\nb: "\\0"\n', 2),
        ("a: 1\nb: 'x\x00y'\n", 2),
        ("a: 1\nb: \x1b[31m\n", 2),
        ('a: "\\ud800"\n', 1),
        ("a: 1e999\n", 1),
        (f"a: {2**63}\n", 1),
        (f"a: 1\nb: {'9' * 5000}\n", 2),
    ],
)
def test_what_is_not_read_is_refused_on_its_line(text: str, line: int) -> None:
    assert f"a.yaml:{line}: " in "\n".join(refusal(text))


def test_nothing_is_an_empty_file() -> None:
    for raw in (b"", b"   \n\n", b"# only a remark\n", b"---\n", b"~\n"):
        assert refusal(raw) == ["a.yaml:1: The file is empty."]


def test_other_encodings_are_refused() -> None:
    assert refusal("a: é\n".encode("latin-1")) == ["a.yaml:1: The file is not UTF-8."]
    assert refusal("x: 1\na: é\n".encode("latin-1")) == ["a.yaml:2: The file is not UTF-8."]
    for encoding in ("utf-16", "utf-16-le", "utf-32"):
        assert len(refusal("a: 1\n".encode(encoding))) == 1


def test_a_file_larger_than_a_mebibyte_is_refused() -> None:
    assert refusal(b"a: '" + b"x" * MAX_BYTES + b"'") == [f"a.yaml:1: The file is larger than {MAX_BYTES} bytes."]


def test_aliases_multiply_nothing() -> None:
    laughs = "a0: &a0 [ha]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
    assert len(refusal(laughs)) == 10 + 9, "one a line: ten anchors, nine lines of aliases"


@pytest.mark.parametrize(
    "bomb",
    [
        "[" * 900_000,
        "{a: " * 200_000,
        "- " * 400_000,
        "? " * 400_000,
        "a: 1\n" * 200_000,
        "? [" * 1_000,
        "*a : 1\n" * 99_999,
    ],
)
def test_a_bomb_is_refused_at_once(bomb: str) -> None:
    # By what it costs, and not by a clock that goes on while the machine does something else.
    began = time.thread_time()
    assert refusal(bomb)
    assert time.thread_time() - began < 2


def test_a_control_sequence_reaches_no_terminal() -> None:
    told = refusal('a: 1\n"\\e[31mred": 1\n"\\e[31mred": 2\n')
    assert len(told) == 1
    assert told[0].isprintable()


@pytest.mark.parametrize("name", ["", "missing.yaml", "a\x00b"])
def test_a_path_that_cannot_be_read_is_told(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileRefused, match="The file cannot be read"):
        read_file(f"{tmp_path}/{name}")


def test_an_endless_file_ends() -> None:
    with pytest.raises(FileRefused, match="larger"):
        read_file("/dev/zero")
