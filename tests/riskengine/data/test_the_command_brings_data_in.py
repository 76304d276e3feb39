"""The command says what it took, what it left out and what it cannot do."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from riskengine.data import files
from riskengine.data.bringing import Said, bring
from riskengine.data.errors import DataRefused
from tests.authlevels.acme import NOON
from tests.riskengine.data.conftest import Bring


def run(*words: str) -> tuple[str, int]:
    out = StringIO()
    try:
        call_command("risk", *words, stdout=out, stderr=out)
    except SystemExit as ended:
        return out.getvalue(), int(str(ended.code))
    return out.getvalue(), 0


def test_the_command_tells_what_it_took_what_it_left_out_and_how_all_stands(networks: Bring, tmp_path: Path) -> None:
    assert "Nothing is known of networks" in run("status")[0]
    (tmp_path / "t").write_text("".join(f"203.0.113.{last}\n" for last in range(9)) + "garbage\n10.0.0.1\n")
    said, _ = run(
        "import", "reputation", str(tmp_path / "t"), "--attribution", "IPs by lists.example, https://lists.example"
    )
    assert "reputation: 9 networks, 9 new or changed, 0 gone." in said
    assert "1 lines are no network: line 10: 'garbage'." in said
    assert "1 networks are not public" in said
    said, code = run("status")
    assert code == 0
    assert "https://lists.example" in said
    assert "good" in said
    said, _ = run("look", "203.0.113.7")
    assert "is_listed" in said
    assert "named by    reputation (listed): 203.0.113.7/32" in said
    run("drop", "reputation")
    assert "Nothing is known of networks" in run("status")[0]


def test_the_command_says_in_its_exit_code_that_something_is_stale_or_broken(networks: Bring, tmp_path: Path) -> None:
    (tmp_path / "t").write_text("203.0.113.7\n")
    run("import", "tor", str(tmp_path / "t"), "--as-of", "2026-01-01")
    said, code = run("status")
    assert code == 2
    assert "stale" in said
    assert "Bring in anew: tor." in said
    networks("country", "203.0.113.0/24,DE\n")
    (Path(files._directory()) / "country.json").write_text("{")
    said, code = run("status")
    assert code == 2
    assert "broken" in said


@pytest.mark.parametrize(
    "words",
    [
        ("import", "tor", "/nowhere"),
        ("import", "tor", "/dev/zero"),
        ("import", "country", "/"),
        ("look", "nonsense"),
        ("look", "127.0.0.1"),
        ("drop", "nothing"),
        ("import", "nothing", "x"),
        ("import", "tor", "x", "--stale-after", "soon"),
        ("import", "country", "x", "--columns", "country"),
    ],
    ids=" ".join,
)
def test_what_the_command_cannot_do_it_says_in_a_sentence(networks: Bring, words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"."):
        run(*words)


def test_nobody_has_a_command_write_where_it_likes_by_what_they_say_of_a_file(networks: Bring) -> None:
    with pytest.raises(DataRefused, match="printable"):
        networks("reputation", "203.0.113.1\n", source="x\x1b[2J")
    with pytest.raises(DataRefused, match="printable"):
        networks("country", "203.0.113.0/24,DE\n", attribution="x" * 501)


def test_a_list_is_told_from_a_file_that_is_larger_than_any(
    networks: Bring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    with pytest.raises(DataRefused, match="larger than 64 MiB"):
        bring(path, kind="tor", said=Said(), by="test", at=NOON)
