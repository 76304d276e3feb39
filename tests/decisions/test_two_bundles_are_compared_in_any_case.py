"""A diff of two bundles is one that `patch` would apply, and is made in a time that grows with their lines alone."""

from time import process_time

from hypothesis import given
from hypothesis import strategies as st

from decisions.policy.differing import differences

_LINES = st.lists(st.sampled_from(["a", "b", "c", "d", "- x", "+y", ""]), max_size=30)


def applied(old: list[str], diff: list[str]) -> list[str]:
    """Apply a unified diff of one file, as `patch` does, and hold each line that it keeps or takes to what is there."""
    out: list[str] = []
    at = 0
    for line in diff[2:]:
        if line.startswith("@@ "):
            begin, _, count = line.split()[1].removeprefix("-").partition(",")
            start = int(begin) - (0 if count == "0" else 1)
            out += old[at:start]
            at = start
        elif line[0] == "+":
            out.append(line[1:])
        else:
            assert old[at] == line[1:]
            out += [line[1:]] if line[0] == " " else []
            at += 1
    return out + old[at:]


@given(old=_LINES, new=_LINES)
def test_applied_to_the_one_it_gives_the_other(old: list[str], new: list[str]) -> None:
    before, after = ("".join(f"{line}\n" for line in lines) for lines in (old, new))
    told = differences({"a.yaml": before}, {"a.yaml": after})
    if before == after:
        assert told == ""
    else:
        assert applied(old, told.split("\n")[:-1]) == new


def test_a_file_that_is_added_or_taken_away_is_told_whole() -> None:
    assert differences({}, {"b": "x\n"}) == "--- /dev/null\n+++ b/b\n@@ -0,0 +1 @@\n+x\n"
    assert differences({"b": "x\n"}, {}) == "--- a/b\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"


def test_lines_that_repeat_in_any_order_take_no_square_of_time() -> None:
    count = 40_000
    old = "\n".join(f"line {n % 97}" for n in range(count))
    new = "\n".join(f"line {n * 31 % 89}" for n in range(count))
    begun = process_time()
    assert differences({"a": old}, {"a": new})
    assert process_time() - begun < 10
