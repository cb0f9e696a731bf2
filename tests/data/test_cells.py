"""The table of cells: what goes in comes out, adds up, survives the disk and does not depend on luck."""

from __future__ import annotations

import dataclasses
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from twobytwo import simulate
from twobytwo.ask.design import Design
from twobytwo.data.cells import Cells, compress
from twobytwo.errors import DataError, DesignError

MINUTES = Design.did(outcome="minutes", group="variant", period="period")
TWO = Design.interaction(outcome="y", factors=("a", "b"))


def frame(n: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    turn = np.arange(n) % 4
    return pd.DataFrame({"y": rng.lognormal(2, 1, n), "a": turn // 2, "b": turn % 2})


def equal(one: Cells, other: Cells) -> None:
    assert one.design == other.design
    assert repr(one.design) == repr(other.design), "equal levels may still be of different types"
    pd.testing.assert_frame_equal(one.bins.frame, other.bins.frame, check_exact=True)


# Oracle: the published table of CASES.md A


def test_active_minutes_has_the_published_sizes_and_means() -> None:
    cells = compress(simulate.active_minutes(), MINUTES)
    moments = cells.moments().sel(variant=["0", "1"], period=["pre", "post"])
    np.testing.assert_array_equal(moments["n"], [[39_776, 37_425], [9_921, 9_208]])
    (c0, c1), (t0, t1) = moments["mean"].to_numpy()
    assert f"{(t1 - t0) - (c1 - c0):.4f}" == "223.1779"
    assert cells.rows == 96_330
    assert (cells.dims, cells.n_cells) == (("variant", "period"), 4)


def test_the_reference_level_is_first_in_every_dimension() -> None:
    assert compress(simulate.active_minutes(), MINUTES).coords == {
        "variant": ("0", "1"),
        "period": ("pre", "post"),
    }


# Laws


def test_cells_of_parts_are_the_cells_of_the_whole() -> None:
    whole = simulate.active_minutes()
    shuffled = whole.sample(frac=1, random_state=1)
    parts = [compress(shuffled[k::3], MINUTES) for k in range(3)]
    total, expected = (parts[0] + parts[1] + parts[2]).moments(), compress(whole, MINUTES).moments()
    for name in expected:
        # The sum of cubes of a symmetric cell is what is left of large cancelling terms.
        np.testing.assert_allclose(total[name], expected[name], rtol=1e-12 if name != "sc" else 1e-8)


def test_the_order_of_rows_does_not_matter() -> None:
    one, other = (compress(rows, TWO) for rows in (frame(), frame().sample(frac=1, random_state=2)))
    pd.testing.assert_frame_equal(one.bins.frame, other.bins.frame, rtol=1e-12)


def test_doubling_the_data_doubles_counts_and_changes_no_mean() -> None:
    once, twice = compress(frame(), TWO).moments(), compress(pd.concat([frame(), frame()]), TWO).moments()
    np.testing.assert_array_equal(twice["n"], 2 * once["n"])
    np.testing.assert_allclose(twice["mean"], once["mean"], rtol=1e-13)
    np.testing.assert_allclose(twice["ss"], 2 * once["ss"], rtol=1e-12)


def test_swapping_the_levels_swaps_the_cells() -> None:
    swapped = dataclasses.replace(
        MINUTES, factors=Design.did(outcome="minutes", group="variant", period="period", control=1).factors
    )
    plain, turned = (compress(simulate.active_minutes(), design) for design in (MINUTES, swapped))
    assert turned.coords["variant"] == ("1", "0")
    np.testing.assert_allclose(
        turned.moments()["mean"].to_numpy(), plain.moments()["mean"].to_numpy()[::-1], rtol=1e-14
    )


def test_cells_of_different_designs_do_not_add_up() -> None:
    turned = Design.interaction(outcome="y", factors=("a", "b"), levels={"a": (1, 0)})
    with pytest.raises(DesignError, match="different designs do not add up"):
        compress(frame(), TWO) + compress(frame(), turned)


def test_cells_add_to_cells_only() -> None:
    with pytest.raises(TypeError, match="unsupported operand"):
        compress(frame(), TWO) + 3  # type: ignore[operator]


def test_the_same_table_gives_the_same_moments() -> None:
    """DuckDB splits larger tables (here 289,000 rows) between threads and adds up in order of arrival."""
    rows = pd.concat([simulate.active_minutes()] * 3)
    first = compress(rows, MINUTES).moments()
    for _ in range(3):
        again = compress(rows, MINUTES).moments()
        for name in ("n", "mean", "ss"):
            np.testing.assert_allclose(again[name], first[name], rtol=1e-13)


def test_nothing_that_is_kept_grows_with_the_rows() -> None:
    small, large = (compress(frame(n), TWO) for n in (20_000, 200_000))
    assert len(large.bins.frame) < 3 * len(small.bins.frame)


def test_units_are_unknown_without_a_unit_column() -> None:
    assert compress(frame(), TWO).units is None


# The disk


@pytest.mark.parametrize(
    "levels",
    [
        (0, 1),
        (False, True),
        ("control", "treatment"),
        (0.0, 1.0),
        ("it's", 'a "b"'),
        ("größe", "\N{GRINNING FACE}"),
    ],
    ids=repr,
)
def test_saved_cells_come_back_bit_by_bit(levels: tuple[Any, Any], tmp_path: Path) -> None:
    design = Design.interaction(
        outcome="y", factors=("a", "b"), levels={"a": levels}, margin=0.1, harm="increase", measure="minutes"
    )
    cells = compress(frame().assign(a=lambda f: f["a"].map(dict(enumerate(levels)))), design)
    folder = cells.save(tmp_path / "new" / "cells")
    assert folder == tmp_path / "new" / "cells"
    equal(Cells.load(folder), cells)
    tables = ["bins.parquet", "by_cell.parquet", "cells.json", "logs.parquet", "manifest.json"]
    assert sorted(path.name for path in folder.iterdir()) == tables
    json.loads((folder / "cells.json").read_text(encoding="utf-8"))


def test_others_may_read_what_the_umask_lets_them(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        folder = compress(frame(), TWO).save(tmp_path / "cells")
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o755


def test_saved_cells_go_on_adding_up(tmp_path: Path) -> None:
    today, yesterday = compress(frame(seed=1), TWO), compress(frame(seed=2), TWO)
    loaded = Cells.load(yesterday.save(tmp_path / "yesterday"))
    pd.testing.assert_frame_equal(
        (loaded + today).bins.frame, (yesterday + today).bins.frame, check_exact=True
    )


def test_saving_again_replaces_the_cells(tmp_path: Path) -> None:
    compress(frame(seed=1), TWO).save(tmp_path / "cells")
    newer = compress(frame(seed=2), TWO)
    newer.save(str(tmp_path / "cells"))
    equal(Cells.load(tmp_path / "cells"), newer)
    assert [path.name for path in tmp_path.iterdir()] == ["cells"]


def test_saving_never_deletes_a_folder_that_holds_something_else(tmp_path: Path) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "chapter.txt").write_text("years of work")
    with pytest.raises(DataError, match="thesis"):
        compress(frame(), TWO).save(folder)
    assert (folder / "chapter.txt").read_text() == "years of work"


def test_a_save_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    design = Design.interaction(outcome="y", factors=("a", "b"), levels={"a": (Decimal(0), Decimal(1))})
    cells = compress(frame().assign(a=lambda f: f["a"].map({0: Decimal(0), 1: Decimal(1)})), design)
    try:
        cells.save(tmp_path / "cells")
    except (TypeError, DataError, DesignError):
        assert list(tmp_path.iterdir()) == []
    else:
        equal(Cells.load(tmp_path / "cells"), cells)


@pytest.mark.parametrize("make", ["nothing", "folder", "file"])
def test_loading_what_is_no_saved_table_is_refused(make: str, tmp_path: Path) -> None:
    path = tmp_path / "cells"
    if make == "folder":
        path.mkdir()
    elif make == "file":
        path.write_text("no cells")
    with pytest.raises(DataError, match="holds no saved table of cells"):
        Cells.load(path)


def test_the_fingerprint_knows_rows_not_their_order() -> None:
    rows = simulate.user_minutes(simulate.UserMinutes(n=500))
    design = Design.did(outcome="minutes", group="variant", period="period", unit="user_id", missing="zero")
    own = compress(rows, design).fingerprint
    assert compress(rows.sample(frac=1, random_state=1), design).fingerprint == own
    changed = rows.copy()
    changed.loc[rows["minutes"].idxmax(), "minutes"] += 1
    assert compress(changed, design).fingerprint != own
    assert len(own) == 64


# Another unit


def users(unit: float = 1.0) -> Cells:
    frame = simulate.user_minutes(simulate.UserMinutes(n=1_000)).assign(minutes=lambda f: f["minutes"] * unit)
    return compress(
        frame,
        Design.did(
            outcome="minutes",
            group="variant",
            period="period",
            unit="user_id",
            missing="zero",
            upper_bound=50_000.0 * unit,
        ),
    )


def test_scaled_cells_are_those_of_scaled_rows() -> None:
    """By a power of two every bin of the one is a bin of the other, so that nothing else is hidden."""
    ours, theirs = users().scaled(4.0), users(4.0)
    assert ours.design == theirs.design
    for one, other in (
        (ours.bins.frame, theirs.bins.frame),
        (ours.joint.frame, theirs.joint.frame),
        (ours.joint.given.frame, theirs.joint.given.frame),
    ):
        pd.testing.assert_frame_equal(one, other, check_dtype=False, rtol=1e-12, atol=1e-11)


def test_the_yardstick_goes_with_the_unit() -> None:
    assert users(1 / 60).yardstick == pytest.approx(users().yardstick / 60)
    assert users().scaled(1 / users().yardstick).yardstick == pytest.approx(1)
