"""`bench/risk.py` is believed in public: what it measures is held by small numbers that anybody can check."""

from pathlib import Path

import pytest

from bench import risk
from bench.risk_world import comparing, dataset, replay, runs
from bench.risk_world.attackers import KINDS, STOLEN
from bench.risk_world.measures import Scored, asked, auc, first_asked, share_from, threshold
from bench.risk_world.people import World
from bench.risk_world.published import ASKED, distance
from bench.risk_world.year import year
from riskengine.seen import Seen

SMALL = World(people=25, attacks=1)


def test_the_area_under_the_curve_counts_ties_as_half() -> None:
    assert auc([1.0, 2.0], [3.0, 4.0]) == 1.0
    assert auc([1.0, 2.0], [2.0]) == 0.75
    assert auc([3.0, 4.0], [1.0, 2.0]) == 0.0


@pytest.mark.parametrize(("rate", "cutoff"), [(1.0, 1.0), (0.75, 2.0), (0.7, 2.0), (0.5, 3.0)])
def test_a_threshold_catches_at_least_its_rate(rate: float, cutoff: float) -> None:
    assert threshold([4.0, 1.0, 3.0, 2.0], rate=rate) == cutoff
    assert share_from([4.0, 1.0, 3.0, 2.0], cutoff) >= rate


def _scored(person: int, *scores: float | None) -> list[Scored]:
    return [Scored(person, nth, "", score) for nth, score in enumerate(scores, start=1)]


def test_people_are_counted_who_have_as_many_sign_ins_and_the_first_is_none() -> None:
    run = [*_scored(1, None, 5.0, 5.0, 0.0), *_scored(2, None, 0.0, 0.0, 5.0), *_scored(3, None, 5.0)]
    assert asked(run, 1.0, first=3) == 1.0
    assert asked(run, 1.0, first=4) == 1.5
    assert asked(run, 1.0, first=5) is None


def test_the_first_sign_in_that_is_asked_is_told_and_whether_most_never_are() -> None:
    assert first_asked([*_scored(1, None, 5.0), *_scored(2, None, 0.0, 5.0)], 1.0) == 2.5
    assert first_asked([*_scored(1, None, 5.0), *_scored(2, None), *_scored(3, None)], 1.0) is None


def test_the_published_medians_are_no_distance_from_themselves() -> None:
    assert distance(ASKED) == (0.0, 0.0)
    further = {kind: dict.fromkeys(rates, (12.0, 39.0)) for kind, rates in ASKED.items()}
    assert distance(further)[0] > 10


def test_a_year_is_the_same_with_the_same_seed_and_another_with_another() -> None:
    assert year(SMALL, seed=1) == year(SMALL, seed=1)
    assert year(SMALL, seed=1) != year(SMALL, seed=2)


def test_everybody_is_attacked_in_every_way_once_they_have_a_history() -> None:
    visits = year(SMALL, seed=3)
    begun: set[int] = set()
    attacks: set[tuple[int, str]] = set()
    for visit in visits:
        if visit.attack:
            assert visit.person in begun
            attacks.add((visit.person, visit.attack))
        begun.add(visit.person)
    assert len(attacks) == 25 * len({*KINDS, *STOLEN.values()})


def test_a_stolen_token_is_one_that_the_person_had() -> None:
    had: dict[int, set[str | None]] = {}
    stolen = 0
    for visit in year(SMALL, seed=3):
        if not visit.attack:
            had.setdefault(visit.person, set()).add(visit.seen.device)
        elif visit.attack in STOLEN.values():
            stolen += 1
            assert visit.seen.device in had[visit.person]
        else:
            assert visit.seen.device not in had[visit.person]
    assert stolen


def test_nothing_is_learned_of_an_attack() -> None:
    visits = year(SMALL, seed=4)
    with_attacks = [times for visit, times, _ in replay.by_ours(visits, lambda *_: None) if not visit.attack]
    own = [visit for visit in visits if not visit.attack]
    assert with_attacks == [times for _visit, times, _ in replay.by_ours(own, lambda *_: None)]


def test_a_comparison_tells_every_target(capsys: pytest.CaptureFixture[str]) -> None:
    comparing.compare([year(SMALL, seed=5)], "A small world", is_judged=True)
    told = capsys.readouterr().out
    assert told.count("met ") + told.count("MISSED ") == 8
    assert all(kind in told for kind in KINDS)
    assert told.count("published, Freeman") == 3


def test_what_is_told_is_of_years_that_nothing_was_chosen_by() -> None:
    retired = {2, 3}
    assert len(risk.TESTED) >= 5
    assert not set(risk.TESTED) & {*risk.TRAINED, *retired}


def test_without_data_a_network_is_a_name_and_the_rest_is_as_it_was() -> None:
    for visit in year(SMALL, seed=6)[:20]:
        seen = runs.without_data(visit).seen
        kept = {"network", "browser", "family", "system", "hour", "device"}
        assert {name for name in Seen.__struct_fields__ if getattr(seen, name) != getattr(Seen(), name)} == kept
        assert all(getattr(seen, name) == getattr(visit.seen, name) for name in kept)


def test_every_scorer_judges_the_same_sign_ins_and_attacks() -> None:
    found = runs.scored([year(SMALL, seed=7), year(SMALL, seed=8)])
    simple = {
        name: [(one.person, one.nth, one.attack) for one in run if one.attack in ("", *KINDS)]
        for name, run in found.items()
    }
    assert set(simple) == {runs.FREEMAN, runs.BARE, runs.FULL, runs.LEFT_OUT, runs.BARE_BLIND, runs.FULL_BLIND}
    assert all(run == simple[runs.FREEMAN] for run in simple.values())
    assert [len(one) for one in runs.by_year(found[runs.BARE])] == [
        len([one for one in simple[runs.BARE] if one[0] // 10_000_000 == number]) for number in (0, 1)
    ]


def test_who_leaves_a_token_out_is_an_attacker_and_scores_as_one_who_has_a_new_one() -> None:
    found = runs.scored([year(SMALL, seed=7)])
    for left_out, full in zip(
        found[runs.LEFT_OUT], [one for one in found[runs.FULL] if one.attack in ("", *KINDS)], strict=True
    ):
        assert left_out.score == pytest.approx(full.score)


HEAD = (
    "index,Login Timestamp,User ID,Round-Trip Time [ms],IP Address,Country,Region,City,ASN,User Agent String,"
    "Browser Name and Version,OS Name and Version,Device Type,Login Successful,Is Attack IP,Is Account Takeover\n"
)


def _line(user: int, day: int, address: str, *, ok: bool = True, attacker: bool = False) -> str:
    return (
        f"1,2020-02-{day:02} 12:43:30.772,{user},,{address},NO,-,-,29695,Mozilla/5.0 x,Firefox 20.0.1618,"
        f"iOS 13.4,mobile,{ok},{attacker},False\n"
    )


def test_the_real_data_set_is_read_and_its_people_are_attacked(tmp_path: Path) -> None:
    file = tmp_path / "rba.csv"
    lines = [_line(7, 3, "10.0.65.171"), _line(7, 4, "10.0.65.9"), _line(8, 3, "10.0.1.1"), _line(8, 9, "10.0.1.1")]
    lines += [
        _line(9, 5, "10.9.9.9", ok=False, attacker=True),
        _line(5, 6, "10.5.5.5"),
        _line(8, 7, "1.1.1.1", ok=False),
    ]
    file.write_text(HEAD + "".join(lines))
    visits = dataset.read(file, rows=100)
    own = [visit for visit in visits if not visit.attack]
    assert [(visit.person, visit.login[0][0]) for visit in own] == [
        (0, "10.0.65.171"),
        (1, "10.0.1.1"),
        (0, "10.0.65.9"),
        (1, "10.0.1.1"),
    ]
    first = own[0].seen
    assert (first.network, first.asn, first.country) == ("10.0.65.0/24", "AS29695", "NO")
    assert (first.browser, first.family, first.system, first.hour) == ("Firefox 20", "Firefox", "iOS mobile", 12)
    attacks = {(visit.person, visit.attack): visit.login[0][0] for visit in visits if visit.attack}
    assert set(attacks) == {(person, kind) for person in (0, 1) for kind in KINDS}
    assert attacks[0, "naive"] == attacks[1, "vpn"] == "10.9.9.9"
    assert attacks[0, "targeted"] == "10.0.1.1"


def test_the_command_compares_both_scorers_on_a_file_of_real_sign_ins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rba.csv"
    people = [_line(user, day, f"10.0.{user}.7") for user in range(1, 7) for day in range(1, 14)]
    file.write_text(HEAD + "".join([*people, *(_line(90, day, "10.9.9.9", ok=False, attacker=True) for day in (2, 9))]))
    assert risk.main(["--csv", str(file)]) == 0
    told = capsys.readouterr().out
    assert "Real sign-ins, rba.csv" in told
    assert "78 sign-ins of 6 people, 18 attacks" in told
    assert all(told.count(name) for name in (runs.FREEMAN, runs.BARE, runs.BARE_BLIND))
    assert runs.FULL not in told


def test_another_file_is_refused_by_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="no column Login Timestamp"):
        dataset.read(tmp_path / "other.csv", rows=1)
