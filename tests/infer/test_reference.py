"""The compressed Student-t posterior against draws of the row-level model, kept with their recipe."""

import json
from datetime import date
from pathlib import Path

import arviz_stats
import pytest

from twobytwo import Design, Priors, SamplerOptions, compress, simulate
from twobytwo.infer.families.student_t import StudentT
from twobytwo.infer.fit import fit

REFERENCE = json.loads((Path(__file__).parents[1] / "reference" / "student_t_rows.json").read_text())


@pytest.fixture(scope="module")
def compressed():
    design = Design.did(outcome="minutes", group="variant", period="period")
    cells = compress(simulate.active_minutes(), design)
    # 16,000 draws, so that the reference's Monte-Carlo error is what limits the comparison.
    return fit(cells, StudentT(), Priors(), SamplerOptions(draws=4000))


@pytest.mark.parametrize("name", sorted(REFERENCE["summary"]))
def test_agrees_with_the_row_level_model_within_monte_carlo_error(compressed, name):
    posterior = compressed.tree["posterior"]
    variable, _, place = name.partition("[")
    if variable == "did":
        draws = compressed.effects["did"]
    elif place:
        group, period = map(int, place.rstrip("]").split(","))
        draws = posterior[variable][:, :, group, period]
    else:
        draws = posterior[variable]
    expected = REFERENCE["summary"][name]
    for statistic in ("mean", "sd"):
        own = float(arviz_stats.mcse(draws, method=statistic))
        error = (own**2 + expected[f"mcse_{statistic}"] ** 2) ** 0.5
        value = float(getattr(draws, {"mean": "mean", "sd": "std"}[statistic])())
        # Twenty comparisons: 4 standard errors leave one false alarm in 800 runs.
        assert abs(value - expected[statistic]) < 4 * error, statistic


def test_the_reference_is_sound_and_says_where_it_comes_from():
    assert max(entry["rhat"] for entry in REFERENCE["summary"].values()) < 1.01
    assert REFERENCE["rows"] == 96_330
    assert (Path(__file__).parents[2] / REFERENCE["recipe"]).is_file()
    assert date.fromisoformat(REFERENCE["date"]) <= date.today()
