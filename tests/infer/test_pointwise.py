"""The log-likelihood by rows or users adds up to the model's, and ArviZ takes the tree as it is."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

import arviz as az
import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib import pyplot as plt

import twobytwo as tbt
from twobytwo.infer.engine.sampling import SamplerOptions
from twobytwo.infer.families import family_of
from twobytwo.infer.fit import Fit, fit
from twobytwo.infer.pointwise import pointwise
from twobytwo.infer.predictive import group
from twobytwo.infer.priors import Priors

PAIRS = tbt.simulate.UserMinutes(n=600, treated_share=0.5, before_only=(0.1, 0.1), after_only=(0.0, 0.0))


def of_pairs(family: str) -> Fit:
    design = tbt.Design.did(
        outcome="minutes", group="variant", period="period", unit="user_id", missing="available"
    )
    cells = tbt.compress(tbt.simulate.user_minutes(PAIRS), design)
    return fit(cells, family_of(family), Priors(), SamplerOptions(draws=200, tune=200, chains=2))


def constant(fitted: Fit) -> float:
    """How much the sum over entries and the model's own differ from draw to draw, of how much they vary."""
    parts = group(fitted.model, fitted.tree, "log_likelihood_parts", 0)
    model = sum(part.sum(part.dims[2:]) for part in parts.data_vars.values())
    found = pointwise(fitted)["outcome"]
    return float((found.sum(found.dims[2]) - model).std() / model.std())


def test_densities_of_users_add_up_to_the_models() -> None:
    # The normal is the lognormal without logs.
    fitted = of_pairs("lognormal")
    found = pointwise(fitted)["outcome"]
    assert found.dims[2] == "users"
    assert found["weight"].sum() == pytest.approx(600)
    assert constant(fitted) < 1e-6


def test_densities_of_rows_add_up_to_the_models(active_minutes_result: tbt.Analysis) -> None:
    found = pointwise(active_minutes_result.fit)["outcome"]
    assert found.dims[2] == "rows"
    assert found["weight"].sum() == pytest.approx(96_330)
    assert found["weight"].max() <= 96_330 / 2_000
    assert constant(active_minutes_result.fit) < 1e-6


# --- ArviZ's own list of functions ------------------------------------------------------------------------

# Each with what it needs beside a tree; what is not listed must work without an argument.
ELSEWHERE = {
    "needs other software's output": {"from_cmdstanpy", "from_emcee", "from_numpyro", "from_numpyro_svi"},
    "reads or writes files": {"from_netcdf", "clear_data_home", "get_data_home"},
    "is about no tree": {
        "__getattr__", "citations", "get_function", "list_datasets", "load_arviz_data",
        "generate_dims_coords", "from_dict", "dict_to_dataset", "references_to_dataset",
        "ndarray_to_dataarray", "xarray_to_ndarray",
        "xarray_sel_iter", "xarray_var_iter", "dataset_to_dataarray", "dataset_to_dataframe", "make_attrs",
        "explode_dataset_dims", "add_bands", "add_lines", "combine_plots", "update_subsample",
    },
    "takes one array": {"ecdf", "hexbin", "histogram2d", "kde2d", "residual_r2", "metrics"},
    "takes two trees or more": {
        "compare", "plot_compare", "kl_divergence", "wasserstein",
        "weight_predictions",
    },
    "needs names or limits from the user": {
        "bayes_factor", "plot_bf", "bayesian_r2", "ci_in_rope", "loo_r2", "plot_lm", "plot_pair_focus",
        "plot_ppc_pava_residuals", "rhat_nested",
    },
    "takes what `az.loo` gives": {"plot_khat", "loo_i", "loo_moment_match"},
    "refits": {"lfo_cv", "loo_kfold", "reloo"},
    "is about approximations": {"loo_approximate_posterior", "loo_subsample"},
    "is about simulation-based calibration": {"plot_ecdf_pit"},
    "is about survival": {"generate_survival_curves", "kaplan_meier", "plot_ppc_censored"},
    "draws more panels than ArviZ allows without names": {"plot_pair"},
    "needs predictions of single rows, which cells do not keep": {
        "loo_expectations", "loo_influence", "loo_metrics", "loo_pit", "loo_score", "plot_loo_interval",
        "plot_loo_pava", "plot_loo_pit", "plot_ppc_dist_pit", "plot_ppc_interval", "plot_ppc_pava",
        "plot_ppc_pit", "plot_ppc_rootogram",
    },
}  # fmt: skip
REASONS = {name: reason for reason, names in ELSEWHERE.items() for name in names}
FUNCTIONS = sorted(name for name in dir(az) if inspect.isfunction(getattr(az, name)))


@pytest.fixture(scope="module")
def tree(active_minutes_result: tbt.Analysis) -> Iterator[xr.DataTree]:
    """Fewer draws, so that forty pictures take seconds; ArviZ does not look at their number."""
    with mpl.rc_context({"backend": "agg"}):
        whole = active_minutes_result.with_groups(
            "prior", "posterior_predictive", "log_likelihood", "log_prior"
        )
        kept = {"draw": slice(0, 100), "rows": slice(None, None, 10)}
        yield whole.map_over_datasets(lambda node: node.isel(kept, missing_dims="ignore"))
        plt.close("all")


def test_the_reasons_name_functions_that_exist() -> None:
    assert set(REASONS) <= set(FUNCTIONS)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arviz_takes_the_result_as_it_is(tree: xr.DataTree, name: str) -> None:
    if name in REASONS:
        pytest.skip(REASONS[name])
    with warnings.catch_warnings(action="ignore"):
        assert getattr(az, name)(tree) is not None or name == "diagnose"
    plt.close("all")


# Families with more numbers than ArviZ draws panels for without names.
PANELS = {
    "plot_autocorr", "plot_dgof", "plot_dgof_dist", "plot_dist", "plot_ess", "plot_ess_evolution",
    "plot_mcse", "plot_prior_posterior", "plot_psense_dist", "plot_psense_quantities",
    "plot_rank", "plot_trace",
}  # fmt: skip
OFTEN = ("loo", "plot_forest", "plot_ppc_dist", "psense_summary", "summary")


def whole_tree(family: str, **asked: Any) -> xr.DataTree:
    """All groups of a fit with two hundred draws of the skewed same users before and after."""
    rows = tbt.simulate.kinds_of_users()
    question = {"outcome": "minutes", "group": "variant", "period": "period", "unit": "user_id"}
    design = tbt.Design.did(**question, missing="zero", **asked)
    cells = tbt.compress(rows[rows["user_id"] < 3_000], design)
    fitted = fit(cells, family_of(family), Priors(), SamplerOptions(draws=200, tune=300, chains=2))
    tree = fitted.tree
    for name in ("prior", "posterior_predictive", "log_prior"):
        tree[name] = xr.DataTree(group(fitted.model, tree, name, 0))
    tree["log_likelihood"] = xr.DataTree(pointwise(fitted))
    return tree


def assert_arviz_takes(tree: xr.DataTree, names: Iterable[str]) -> None:
    with mpl.rc_context({"backend": "agg"}), warnings.catch_warnings(action="ignore"):
        for name in names:
            named = {"var_names": ["effects"]} if name in PANELS else {}
            assert getattr(az, name)(tree, **named) is not None or name == "diagnose", name
            plt.close("all")


def test_arviz_takes_strata_of_randomised_groups_as_they_are() -> None:
    tree = whole_tree("stratified", randomised=True)
    assert_arviz_takes(tree, OFTEN)
    drawn, seen = (tree[name]["stratum_users"] for name in ("posterior_predictive", "observed_data"))
    assert (drawn.sum("stratum") == seen.sum("stratum")).all()
    with warnings.catch_warnings(action="ignore"):
        assert np.allclose(az.compare({"one": tree, "other": tree})["elpd_diff"], 0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "asked"), [("stratified", {"randomised": True}), ("lognormal_mixture", {})]
)
def test_arviz_takes_every_function_of_families_with_many_parts(family: str, asked: dict[str, bool]) -> None:
    assert_arviz_takes(whole_tree(family, **asked), [name for name in FUNCTIONS if name not in REASONS])


def test_leave_one_out_has_no_warning_and_two_fits_compare(tree: xr.DataTree) -> None:
    with warnings.catch_warnings(action="ignore"):
        found = az.loo(tree)
        ranked = az.compare({"one": tree, "other": tree})
    # With the draws of a whole analysis ArviZ trusts shapes up to 0.7.
    assert float(found.pareto_k.max()) < 0.7
    assert np.allclose(ranked["elpd_diff"], 0)
