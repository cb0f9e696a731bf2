"""Groups beyond the posterior: held against closed forms, accepted by ArviZ, kept by files."""

from __future__ import annotations

import arviz as az
import numpy as np
import pymc as pm
import pytest
import xarray as xr
from scipy import stats

import twobytwo as tbt
from twobytwo.errors import DesignError
from twobytwo.infer.engine.sampling import SamplerOptions, sample
from twobytwo.infer.predictive import group

EVERY = ("prior", "posterior_predictive", "log_likelihood_parts", "log_prior")


@pytest.fixture(scope="module")
def tree(active_minutes_result: tbt.Analysis) -> xr.DataTree:
    return active_minutes_result.with_groups(*EVERY)


def test_the_posterior_has_its_groups_and_the_users_levels(active_minutes_result: tbt.Analysis) -> None:
    found = active_minutes_result.posterior
    groups = {"posterior", "prior", "sample_stats", "observed_data", "constant_data"}
    assert groups <= set(found.children)
    for name in ("posterior", "prior", "observed_data"):
        assert found[name]["variant"].to_numpy().tolist() == ["0", "1"]
        assert found[name]["period"].to_numpy().tolist() == ["pre", "post"]
    assert active_minutes_result.posterior is found


def test_prior_draws_are_the_priors(tree: xr.DataTree) -> None:
    prior, constant = tree["prior"], tree["constant_data"]
    for name in ("effects", "log_sd"):
        centre = constant[f"{name}_prior_mean"].to_numpy()
        sd = constant[f"{name}_prior_sd"].to_numpy()
        z = ((prior[name].to_numpy() - centre) / sd).reshape(-1)
        assert stats.kstest(z, "norm").pvalue > 0.001


def test_log_densities_are_the_closed_forms(tree: xr.DataTree) -> None:
    posterior, observed, constant = (tree[name] for name in ("posterior", "observed_data", "constant_data"))
    sd = np.exp(posterior["log_sd"])
    n = constant["n"]
    mean = stats.norm(posterior["location"], sd / n**0.5).logpdf(observed["sample_mean"])
    np.testing.assert_allclose(tree["log_likelihood_parts"]["sample_mean"], mean, rtol=1e-9)
    prior = stats.norm(constant["effects_prior_mean"], constant["effects_prior_sd"]).logpdf(
        posterior["effects"]
    )
    np.testing.assert_allclose(tree["log_prior"]["effects"], prior, rtol=1e-9)


def test_a_transformed_parameter_has_the_density_of_its_natural_scale() -> None:
    with pm.Model() as model:
        sigma = pm.Gamma("sigma", 2.0, 1.0)
        pm.Normal("y", 0.0, sigma, observed=np.array([1.0, -2.0]))
    made = sample(model, SamplerOptions(draws=100, chains=2))
    draws = made["posterior"]["sigma"].to_numpy()
    np.testing.assert_allclose(group(model, made, "log_prior", 1)["sigma"], stats.gamma(2).logpdf(draws))
    expected = stats.norm(0, draws[..., None]).logpdf([1.0, -2.0])
    np.testing.assert_allclose(group(model, made, "log_likelihood_parts", 1)["y"], expected)


def test_posterior_predictive_means_are_near_the_data(tree: xr.DataTree) -> None:
    drawn, observed = tree["posterior_predictive"]["sample_mean"], tree["observed_data"]["sample_mean"]
    z = (drawn.mean(("chain", "draw")) - observed) / drawn.std(("chain", "draw"))
    assert float(abs(z).max()) < 0.5


def test_the_same_seed_makes_the_same_groups(active_minutes_result: tbt.Analysis, tree: xr.DataTree) -> None:
    seed = active_minutes_result.options.sampler.random_seed
    again = group(active_minutes_result.model, tree, "prior", seed)
    xr.testing.assert_identical(again, tree["prior"].to_dataset())


def test_an_unknown_group_is_refused(active_minutes_result: tbt.Analysis) -> None:
    with pytest.raises(DesignError, match=r"group='priors' is unknown; .* Did you mean 'prior'"):
        active_minutes_result.with_groups("priors")


def test_arviz_takes_it(tree: xr.DataTree) -> None:
    assert az.summary(tree, var_names=["effects"]).index.tolist()[-1] == "effects[did]"
    assert (az.psense(tree, var_names=["effects"], group="prior")["effects"] < 0.05).all()


@pytest.mark.parametrize("picture", ["plot_dist", "plot_forest", "plot_trace", "plot_prior_posterior"])
def test_arviz_draws_it(tree: xr.DataTree, picture: str) -> None:
    import matplotlib as mpl
    from matplotlib import pyplot as plt

    mpl.use("Agg")
    drawn = getattr(az, picture)(tree, var_names=["effects"], backend="matplotlib")
    assert drawn.viz is not None
    plt.close("all")


@pytest.mark.parametrize("form", ["netcdf", "zarr"])
def test_files_keep_it(tree: xr.DataTree, form: str, tmp_path) -> None:
    path = tmp_path / f"posterior.{form}"
    if form == "netcdf":
        tree.to_netcdf(path, engine="h5netcdf")
        found = xr.open_datatree(path, engine="h5netcdf")
    else:
        tree.to_zarr(path, zarr_format=2)
        found = xr.open_datatree(path, engine="zarr")
    assert set(found.children) == set(tree.children)
    for name in tree.children:
        xr.testing.assert_equal(found[name].to_dataset(), tree[name].to_dataset())
    found.close()


def test_counts_of_a_multinomial_have_one_density_together() -> None:
    with pm.Model(coords={"group": ["a", "b"], "part": ["low", "high"]}) as model:
        share = pm.Beta("share", 2.0, 2.0)
        counts = np.array([[3, 7], [5, 5]])
        pm.Multinomial(
            "counts", n=[10, 10], p=pm.math.stack([share, 1 - share]), observed=counts, dims=("group", "part")
        )
    tree = xr.DataTree.from_dict(
        {"posterior": xr.Dataset({"share": (("chain", "draw"), np.full((1, 3), 0.5))})}
    )
    found = group(model, tree, "log_likelihood_parts", 0)["counts"]
    assert found.dims == ("chain", "draw", "group")
    assert np.exp(found.to_numpy()[0, 0]) == pytest.approx(stats.binom.pmf([3, 5], 10, 0.5))


@pytest.mark.parametrize("name", [name for name in EVERY if name != "prior"])
def test_draws_of_another_versions_model_are_refused(
    tree: xr.DataTree, name: str, active_minutes_result: tbt.Analysis
) -> None:
    """A saved analysis keeps its draws; parameters that these do not have are not made up."""
    renamed = tree["posterior"].to_dataset().rename(log_sd="spread_of_before")
    old = xr.DataTree.from_dict({"posterior": renamed})
    with pytest.raises(DesignError, match=rf"'{name}' needs draws of 'log_sd', .* Make it again"):
        group(active_minutes_result.model, old, name, 1)
