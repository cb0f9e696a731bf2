"""How an answer is known: the sentences below the statement, each held against the fit."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from statements import ROBUST, how, made_up, paired, sections, stated, wide

from twobytwo import Design, compress

PAIRS = "The same users were compared before and after"
SECTIONS = "The rows are treated as independent (repeated cross-sections)"


def test_a_statement_says_pairs_or_repeated_cross_sections() -> None:
    pairs = how(stated(made_up(paired())))
    rows = how(stated(made_up(sections())))
    assert PAIRS in pairs
    assert SECTIONS not in pairs
    assert SECTIONS in rows
    assert "unit=" in rows
    assert PAIRS not in rows
    # Users only where they are known.
    assert "Treated users" in stated(made_up(paired())).statement
    assert "of the treated group" in stated(made_up(sections())).statement


def test_days_of_unknown_users_are_told_in_the_statement() -> None:
    when = pd.Series(pd.date_range("2026-08-29", periods=6)).dt.date
    rows = wide(600).melt(["user", "arm"], ["pre", "minutes"], value_name="y")
    rows["day"] = [when[k % 3 + 3 * (period == "minutes")] for k, period in enumerate(rows["variable"])]
    asked = {"outcome": "y", "group": "arm", "period": "day", "launch": "2026-09-01"}
    found = stated(made_up(compress(rows, Design.did(**asked))))
    assert "Caution: every row counts as a user." in found.statement
    assert 'name their column with unit= and say agg="sum"' in how(found)
    known = stated(made_up(compress(rows, Design.did(**asked, unit="user", agg="sum"))))
    assert "every row counts" not in known.statement + how(known)


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("zero", "a user absent from a period counts as 0"),
        ("drop", "only users seen in both periods are compared"),
        ("available", "users seen once count where they were seen"),
    ],
)
def test_a_statement_says_what_absence_meant(policy: Any, said: str) -> None:
    found = how(stated(made_up(paired(missing=policy, absent=6))))
    assert said in found
    assert said not in how(stated(made_up(paired())))


@pytest.mark.parametrize(("policy", "pairs"), [("zero", 60), ("drop", 54), ("available", 54)])
def test_a_statement_counts_as_pairs_only_users_with_two_values(policy: Any, pairs: int) -> None:
    found = how(stated(made_up(paired(missing=policy, absent=6))))
    counts = re.findall(r"([\d,]+) (?:users )?(?:as |in )?pairs", found)
    assert counts == [str(pairs)]


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("welch_change", "The by-user (Welch, CR2) least-squares interval is -0.50 to +3.50."),
        ("ols_hc2", "The robust (HC2) least-squares interval is -0.50 to +3.50."),
        ("ancova", "The analysis-of-covariance interval is -0.50 to +3.50."),
    ],
)
def test_the_companion_is_named(method: str, said: str) -> None:
    found = how(stated(made_up(paired()), robust=replace(ROBUST, method=method)))
    # As many decimals as the draws' Monte-Carlo error allows: one or two.
    assert said in found or said.replace("0.50", "0.5").replace("3.50", "3.5") in found


def test_a_randomised_statement_names_the_covariance_analysis() -> None:
    said = "their gap before is taken as practically zero"
    assert said in how(stated(made_up(paired(randomised=True))))
    assert said not in how(stated(made_up(paired())))


def test_changes_do_not_claim_what_they_do_not_use() -> None:
    # Users seen once have no change.
    found = how(stated(made_up(paired(missing="available", absent=6), family="student_t")))
    assert "users seen once count" not in found
    assert "users seen once have no change and are left out" in found
