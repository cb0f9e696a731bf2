"""Writes docs/statements.md: ten answers, each with its statement as the package says it.

Run it where a statement has changed, and read the page again: ``python docs/statements/write.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pandas as pd

import twobytwo as tbt

PAGE = Path(__file__).parents[1] / "statements.md"
_ONE = {"outcome": "minutes", "group": "variant", "period": "period", "unit": "user_id"}
_DECISION = {"harm": "decrease", "margin": 10, "measure": "minutes"}


def _users(effect: float, n: int = 20_000) -> pd.DataFrame:
    nobody = (0.0, 0.0)
    options = tbt.simulate.UserMinutes(
        n=n, effect=effect, treated_share=0.5, before_only=nobody, after_only=nobody, seed=5
    )
    return tbt.simulate.user_minutes(options)


def _dependent() -> pd.DataFrame:
    """Two experiments of which the second was given more often to users of the first."""
    rng = np.random.default_rng(7)
    a = rng.random(4_000) < 0.5
    b = rng.random(4_000) < np.where(a, 0.6, 0.4)
    return pd.DataFrame({"a": a, "b": b, "out": rng.normal(20, 5, 4_000) + 2 * a + b})


def _three_groups() -> pd.DataFrame:
    rng = np.random.default_rng(8)
    arm = rng.integers(0, 3, 6_000)
    levels = np.array(["control", "short", "long"])
    return pd.DataFrame({"arm": levels[arm], "spend": rng.gamma(2, 10 + np.array([0, 0.5, 1.5])[arm])})


def _buyers() -> pd.DataFrame:
    rng = np.random.default_rng(9)
    variant = rng.integers(0, 2, 20_000)
    return pd.DataFrame({"variant": variant, "bought": rng.random(20_000) < 0.077 + 0.018 * variant})


def _did(effect: float, n: int = 20_000, **options: object) -> tbt.Analysis:
    return tbt.did(_users(effect, n), **(_ONE | _DECISION | options))  # type: ignore[arg-type]


ANSWERS: Mapping[str, Callable[[], tbt.Analysis]] = MappingProxyType(
    {
        "Harm": lambda: _did(-60.0),
        "A gain": lambda: tbt.did(
            tbt.simulate.active_minutes(),
            outcome="minutes",
            group="variant",
            period="period",
            margin=5,
            measure="minutes",
        ),
        "Open": lambda: _did(-8.0),
        "Refused": lambda: tbt.interaction(_dependent(), outcome="out", factors=("a", "b"), margin=1),
        "Fallback": lambda: _did(40.0, 40_000, family="lognormal"),
        "Capped": lambda: _did(40.0, cap=6_000),
        "Interaction": lambda: tbt.interaction(
            tbt.simulate.cannibalisation(),
            outcome="out",
            label="clicks",
            factors=("exp1_is_treatment", "exp2_is_treatment"),
            margin=1,
        ),
        "Comparison of three groups": lambda: tbt.compare(
            _three_groups(), outcome="spend", group="arm", control="control", margin=0.5, measure="euros"
        ),
        "A share": lambda: tbt.compare(
            _buyers(), outcome="bought", group="variant", kind="share", margin=0.5, label="buyers"
        ),
        "A million rows": lambda: _did(5.0, 500_000),
    }
)
_HEAD = """# Ten statements

What the package says of ten experiments with simulated users, word for word. Each is checked against the
JSON of its answer, and
has fewer than 60 words. `docs/statements/write.py` has the data and the calls.
"""


def page(answers: Mapping[str, tbt.Analysis]) -> str:
    """Write the page."""
    parts = [_HEAD]
    for title, answer in answers.items():
        found = answer.headline
        verdict = found.verdict or "none"
        parts.append(
            f"## {title}\n\n> {answer.statement}\n\nIn JSON: `status` {found.status}, `verdict` {verdict}.\n"
        )
    return "\n".join(parts)


def main() -> None:
    """Answer all ten and write them down."""
    PAGE.write_text(page({title: ask() for title, ask in ANSWERS.items()}), encoding="utf-8")


if __name__ == "__main__":
    main()
