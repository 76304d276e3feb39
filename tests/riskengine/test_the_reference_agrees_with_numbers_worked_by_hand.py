"""Freeman's score, worked from the formula by hand.

Levels of a network: address, ASN, country (0.6, 0.3, 0.1); of an agent: text, browser, system, kind (0.539, 0.268, 0.188, 0.005).
A value seen c times among N, where M may yet come: c/N (1 - M/(N+M)); one that was not: 1/(N+M).

**Two people with two sign-ins each, all alike, and P comes as always.** N = 4, users = 2, so p(u|A)/p(u|L) = (1/2)/(2/4) = 1.

- Network, everybody: the address 2 of 4, M = 1 + 2 ASNs + 2 countries = 5: 2/9. ASN: M = 3: 2/7, times 2 of its 2, M = 1: 2/3. Country:
  M = 1: 2/5, times 2 of its 2, M = 1 + 1 ASN = 2: 1/2. p = 0.6 * 2/9 + 0.3 * 4/21 + 0.1 * 1/5 = 0.210476.
- Network, P: 2 of 2 with M = 3: 2/5; ASN, M = 2: 1/2 * 2/3; country, M = 1: 2/3 * 1/2. p = 0.24 + 0.1 + 0.033333 = 0.373333.
- Agent, everybody: M = 7: 2/11; browser, M = 5: 2/9 * 2/3; system, M = 3: 2/7 * 1/2; kind, M = 1: 2/5 * (M = 3) 2/5.
  p = 0.539 * 2/11 + 0.268 * 4/27 + 0.188 * 1/7 + 0.005 * 4/25 = 0.165361.
- Agent, P: M = 4: 1/3; M = 3: 2/5 * 2/3; M = 2: 1/2 * 1/2; M = 1: 2/3 * 2/5.
  p = 0.179667 + 0.071467 + 0.047 + 0.001333 = 0.299467.
- S = 0.210476 / 0.373333 * 0.165361 / 0.299467 = 0.311308.

As studied: everybody 0.6 * 2/9 + 0.3/2 + 0.1/2 = 1/3 and 0.539 * 2/11 + 0.461/2 = 0.3285; P 1 and 1. S = 0.1095.

**P comes from another address of the same ASN, with a later text of the same browser.**

- Network, everybody: unseen of 4, M = 5: 1/9. ASN 2/7, times unseen of its 2, M = 1: 1/3. Country 2/5, times unseen of 2, M = 2: 1/4.
  p = 0.066667 + 0.028571 + 0.01 = 0.105238.
- Network, P: 1/5; 1/2 * 1/3; 2/3 * 1/4. p = 0.12 + 0.05 + 0.016667 = 0.186667.
- Agent, everybody: 1/11; 2/9 * 1/3; 2/7 * 1/4; 2/5 * 1/5. p = 0.049 + 0.019852 + 0.013429 + 0.0004 = 0.082680.
- Agent, P: 1/6; 2/5 * 1/3; 1/2 * 1/4; 2/3 * 1/5. p = 0.089833 + 0.035733 + 0.0235 + 0.000667 = 0.149733.
- S = 0.105238 / 0.186667 * 0.082680 / 0.149733 = 0.311308: half of each above and below, which is the flaw of the smoothing.

As studied: everybody 0.6/9 + 0.2 = 0.266667 and 0.539/11 + 0.2305 = 0.2795; P 0.4 and 0.461. S = 0.666667 * 0.606291 = 0.404194.

**P has one sign-in and Q three; P comes with nothing that anybody ever had.** N = 4: p(u|A)/p(u|L) = (1/2)/(1/4) = 2.

- Network, everybody: 1/9; 1/7 * 1/1; 1/5 * 1/1. p = 0.066667 + 0.042857 + 0.02 = 0.129524.
- Network, P: unseen of 1, M = 3: 1/4; M = 2: 1/3; M = 1: 1/2. p = 0.15 + 0.1 + 0.05 = 0.3.
- Agent, everybody: 1/11; 1/9; 1/7; 1/5. p = 0.049 + 0.029778 + 0.026857 + 0.001 = 0.106635.
- Agent, P: 1/5; 1/4; 1/3; 1/2. p = 0.1078 + 0.067 + 0.062667 + 0.0025 = 0.239967.
- S = 2 * 0.129524 / 0.3 * 0.106635 / 0.239967 = 0.383715.

As studied: P had none of it, so each is everybody's over a quarter of everybody's: S = 2 * 4 * 4 = 32.
"""

import pytest

from riskengine.freeman import Grouped, History, Login, as_studied, score

P: Login = (("1", "AS1", "NO"), ("u1", "C1", "W", "desktop"))
Q: Login = (("2", "AS2", "SE"), ("u2", "F1", "M", "phone"))
NEARLY_P: Login = (("3", "AS1", "NO"), ("u3", "C1", "W", "desktop"))
NOBODYS: Login = (("9", "AS9", "BR"), ("u9", "X1", "Y", "tablet"))


@pytest.mark.parametrize(
    ("attempt", "of_p", "of_q", "by_formula", "studied"),
    [(P, 2, 2, 0.311308, 0.1095), (NEARLY_P, 2, 2, 0.311308, 0.404194), (NOBODYS, 1, 3, 0.383715, 32.0)],
    ids=["as always", "another address, a later text", "nothing that anybody had"],
)
def test_a_score_is_the_one_worked_by_hand(
    attempt: Login, of_p: int, of_q: int, by_formula: float, studied: float
) -> None:
    own = [P] * of_p
    everybody = own + [Q] * of_q
    assert score(attempt, Grouped(own), Grouped(everybody), users=2) == pytest.approx(by_formula, rel=1e-4)
    assert as_studied(attempt, History(own), History(everybody), users=2) == pytest.approx(studied, rel=1e-5)


def test_where_there_is_no_history_there_is_nothing_to_compare_with() -> None:
    with pytest.raises(ZeroDivisionError):
        as_studied(P, History(), History([Q]), users=1)
