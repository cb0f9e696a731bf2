"""Makes the kept stores of the present format: ``python tests/answer/stored/make.py``, from the repository.

Run it once when a format is new, and never again for an older one: those folders are what users have on their
disks. Before the first release it may be run again after a record's fields have changed.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import xarray as xr

import twobytwo as tbt
from twobytwo.answer.store import FORMAT
from twobytwo.infer.fit import Fit

HERE = Path(__file__).parent / f"format_{FORMAT}"
# The statement is that of all draws; every fortieth of them is kept, so that the folders stay small.
EVERY = 40


def thinned(fit: Fit | None) -> Fit | None:
    """Keep few of a fit's draws."""
    if fit is None:
        return None
    kept = {
        name: node.to_dataset().isel(draw=slice(None, None, EVERY), missing_dims="ignore")
        for name, node in fit.tree.children.items()
    }
    return replace(fit, tree=xr.DataTree.from_dict(kept))


def main() -> None:
    """Save one analysis with independent rows, and one with pairs, a cap and a second fit."""
    interaction = tbt.interaction(
        tbt.simulate.cannibalisation(), outcome="out", factors=("exp1_is_treatment", "exp2_is_treatment")
    )
    did = tbt.did(
        tbt.simulate.user_minutes(tbt.simulate.UserMinutes(n=400)),
        outcome="minutes",
        group="variant",
        period="period",
        unit="user_id",
        missing="zero",
        margin=5,
        measure="minutes",
        cap=600,
    )
    for name, result in {"interaction": interaction, "did": did}.items():
        fits = {field: thinned(getattr(result, field)) for field in ("fit", "uncapped")}
        kept = replace(result, **fits).save(HERE / name)
        (HERE / f"{name}.txt").write_text(f"{result.statement}\n", encoding="utf-8")
        print(kept, result.headline.status)  # noqa: T201


if __name__ == "__main__":
    main()
