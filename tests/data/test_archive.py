"""Cells on disk: any names, any damage."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from twobytwo import simulate
from twobytwo.ask.design import Design
from twobytwo.data import archive
from twobytwo.data.cells import Cells, compress
from twobytwo.errors import DataError


def cells(levels: tuple[Any, Any] = (0, 1), factor: str = "a", outcome: str = "y") -> Cells:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {outcome: rng.gamma(2, size=400), factor: list(levels) * 200, "b": [0] * 200 + [1] * 200}
    )
    return compress(
        frame, Design.interaction(outcome=outcome, factors=(factor, "b"), levels={factor: levels})
    )


def pairs() -> Cells:
    design = Design.did(
        outcome="minutes", group="variant", period="period", unit="user_id", missing="zero", cap=300
    )
    return compress(simulate.user_minutes(simulate.UserMinutes(n=300)), design)


def equal(one: Cells, other: Cells) -> None:
    assert one.design == other.design
    pd.testing.assert_frame_equal(one.bins.frame, other.bins.frame, check_exact=True)
    assert (one.joint.columns, one.uncapped is None) == (other.joint.columns, other.uncapped is None)
    pd.testing.assert_frame_equal(one.joint.frame, other.joint.frame, check_exact=True)
    pd.testing.assert_frame_equal(one.joint.given.frame, other.joint.given.frame, check_exact=True)
    np.testing.assert_array_equal(one.joint.attendance, other.joint.attendance)
    if one.uncapped is not None and other.uncapped is not None:
        equal(one.uncapped, other.uncapped)


@pytest.mark.parametrize(
    "levels",
    [
        ("a#b", "a?b"),
        ("a\tb", "a\nb"),
        (".", ".."),
        ("a/b", "a\\b"),
        (Decimal("0.5"), Decimal("1.5")),
    ],
    ids=repr,
)
def test_any_level_comes_back(levels: tuple[Any, Any], tmp_path: Path) -> None:
    made = cells(levels)
    equal(Cells.load(made.save(tmp_path / "cells")), made)


@pytest.mark.parametrize(
    "name", ["a#b", "a?b", "a\tb", "a\nb", ".", "größe", "a/b", 'a"b', "record", "value"]
)
def test_any_column_comes_back(name: str, tmp_path: Path) -> None:
    for made in (cells(factor=name), cells(outcome=name)):
        equal(Cells.load(made.save(tmp_path / name.replace("/", " ").replace(".", "dot"))), made)


def test_pairs_and_what_is_not_capped_come_back(tmp_path: Path) -> None:
    made = pairs()
    equal(Cells.load(made.save(tmp_path / "cells")), made)
    equal(Cells.of_fields(archive.unpacked(archive.packed(made.fields()), "here")), made)


def test_any_damage_is_one_error(tmp_path: Path) -> None:
    whole = pairs().save(tmp_path / "whole")
    names = [file.relative_to(whole) for file in whole.rglob("*") if file.is_file()]
    assert len(names) == 19
    for name in names:
        for damage in ("flip", "cut", "delete"):
            copy = shutil.copytree(whole, tmp_path / "copy")
            content = (copy / name).read_bytes()
            if damage == "delete":
                (copy / name).unlink()
            elif damage == "cut":
                (copy / name).write_bytes(content[:-1])
            else:
                middle = len(content) // 2
                flipped = bytes([content[middle] ^ 4])
                (copy / name).write_bytes(content[:middle] + flipped + content[middle + 1 :])
            with pytest.raises(DataError, match=r"copy' (is damaged|holds no saved|was saved by)"):
                Cells.load(copy)
            shutil.rmtree(copy)


def test_a_whole_store_of_other_content_is_one_error(tmp_path: Path) -> None:
    """Checksums that fit do not make cells."""
    parts = archive.packed(cells().fields())
    del parts["manifest.json"]
    for changed in (
        {"cells.json": b"[]"},
        {"cells.json": b"{}"},
        {"cells.json": parts["cells.json"].replace(b'"measure"', b'"mesure"')},
        {"cells.json": parts["cells.json"].replace(b'"factor"', b'"os:system"')},
        {"bins.parquet": b"no parquet"},
    ):
        path = archive._STORE.save(parts | changed, tmp_path / "cells")
        with pytest.raises(
            DataError, match=r"cells' (cannot be read|holds no table of cells that this version)"
        ):
            Cells.load(path)
    old = tmp_path / "old"
    old.mkdir()
    (old / "cells.json").write_text('{"design": {}}')
    with pytest.raises(DataError, match=r"in format 1; .* reads format 2"):
        Cells.load(old)
