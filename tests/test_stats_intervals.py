"""Intervals, resamples and verdicts against statsmodels and hand-worked values."""

import math

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from harness.stats.clusters import Clusters, clusters_of, resample_weights, strata
from harness.stats.percentiles import centred, percentile_limits, percentile_p
from harness.stats.proportions import anova_icc, correlation, proportions, square_and_add, tabulate, wilson, z_of
from harness.stats.verdicts import adjust, detectable_difference, p_by_inversion, verdict
from harness.types import Verdict

Z = z_of(0.95)


def table(clusters, success, groups=None, n_groups=1):
    codes = np.asarray(clusters, np.int64)
    groups = np.zeros(len(codes), np.int64) if groups is None else np.asarray(groups, np.int64)
    everything = np.ones(len(codes), bool)
    return tabulate(Clusters(codes, int(codes.max()) + 1), groups, n_groups, everything, np.asarray(success, bool))


@pytest.mark.parametrize(("k", "n"), [(0, 1), (0, 9), (1, 9), (9, 9), (37, 50), (500, 1000)])
def test_wilson_equals_statsmodels(k, n):
    assert wilson(k / n, n, Z) == pytest.approx(proportion_confint(k, n, method="wilson"), abs=1e-12)


@pytest.mark.parametrize(("k1", "n1", "k2", "n2"), [(7, 9, 30, 50), (0, 10, 0, 20), (10, 10, 0, 5), (0, 1, 9, 9)])
def test_square_and_add_of_wilson_is_newcombe(k1, n1, k2, n2):
    ours = square_and_add((k2 / n2, *wilson(k2 / n2, n2, Z)), (k1 / n1, *wilson(k1 / n1, n1, Z)))
    assert ours == pytest.approx(confint_proportions_2indep(k1, n1, k2, n2, method="newcomb", compare="diff"), abs=1e-12)


def test_correlation_of_one_makes_identical_groups_differ_by_nothing():
    limits = (0.8, *wilson(0.8, 50, Z))
    low, high = square_and_add(limits, limits, rho=1.0)
    assert low == pytest.approx(-abs((0.8 - limits[1]) - (limits[2] - 0.8)), abs=1e-12)
    assert high == pytest.approx(-low, abs=1e-12)


def test_p_value_inverts_the_interval():
    def limits(z):
        return square_and_add((0.6, *wilson(0.6, 50, z)), (0.85, *wilson(0.85, 40, z)))

    p = p_by_inversion(limits, 0.25, z=1.96)
    low, high = limits(z_of(1 - p))
    assert low == pytest.approx(0.0, abs=1e-8)
    assert high > 0
    assert p_by_inversion(limits, 0.0, z=1.96) == 1.0
    assert math.isnan(p_by_inversion(limits, math.nan, z=1.96))


def test_icc_by_hand():
    # Four patients of two pictures: 11 11 00 10. Means 1, 1, 0, .5; grand mean .625.
    # Between: 2 (.375^2 + .375^2 + .625^2 + .125^2) = 1.375 on 3; within: .5 on 4. MSB .458333, MSW .125, n0 = 2.
    cells = table([0, 0, 1, 1, 2, 2, 3, 3], [1, 1, 1, 1, 0, 0, 1, 0])
    expected = (1.375 / 3 - 0.125) / (1.375 / 3 + 0.125)
    assert anova_icc(cells) == pytest.approx(expected, abs=1e-12)
    (share,) = proportions(cells)
    assert share.n_effective == pytest.approx(8 / (1 + expected), abs=1e-12)


def test_icc_takes_group_means_out():
    # Within each group pictures of a patient are no more alike than chance; between the groups everything differs.
    cells = table([0, 0, 1, 1, 2, 2, 3, 3], [1, 0, 1, 0, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1, 1, 1], 2)
    assert anova_icc(cells) == 0.0


def test_one_picture_a_patient_keeps_n():
    (share,) = proportions(table(range(20), [1] * 15 + [0] * 5))
    assert share.n_effective == 20


def test_where_icc_cannot_be_estimated_a_patient_is_one_observation():
    (share,) = proportions(table([0, 0, 0, 1, 1, 1], [1] * 6))
    assert share.n_effective == pytest.approx(2.0)
    (alone,) = proportions(table([0] * 12, [1] * 6 + [0] * 6))
    assert alone.n_effective == pytest.approx(1.0)


def test_correlation_is_zero_without_common_patients_and_newcombes_for_equal_answers():
    apart = table([0, 1, 2, 3], [1, 0, 1, 0], [0, 0, 1, 1], 2)
    assert correlation(apart, 0, 1) == 0.0
    paired = table([0, 1, 2, 0, 1, 2], [1, 0, 1, 1, 0, 1], [0, 0, 0, 1, 1, 1], 2)
    # (ad - bc - n / 2) / sqrt(product of the margins), by hand: (2 - 1.5) / 2
    assert correlation(paired, 0, 1) == pytest.approx(0.25)


def test_clusters_do_not_depend_on_row_order():
    ids = np.array(["b", "a", "c", "a"], object)
    assert clusters_of(ids).codes.tolist() == [1, 0, 2, 0]
    assert clusters_of(np.array([], object)).count == 0


def test_strata_are_patterns_of_groups_and_no_resample_loses_one():
    clusters = Clusters(np.array([0, 1, 2, 2, 3]), 4)
    parts = strata(clusters, np.array([0, 0, 0, 1, 1]))
    assert sorted(p.tolist() for p in parts) == [[0, 1], [2], [3]]
    for weights in resample_weights(np.random.default_rng(0), parts, 4, n_resamples=50):
        assert (weights[2] == 1).all()
        assert (weights[3] == 1).all()
        assert (weights[:2].sum(axis=0) == 2).all()


def test_chunk_size_changes_nothing():
    parts = [np.arange(7), np.arange(7, 20)]
    draws = [
        np.concatenate(list(resample_weights(np.random.default_rng(5), parts, 20, n_resamples=33, chunk=c)), axis=1)
        for c in (1, 8, 33)
    ]
    assert all((d == draws[0]).all() for d in draws)
    assert (draws[0].sum(axis=0) == 20).all()


def test_percentiles_equal_numpy_and_count_the_undefined():
    draws = np.random.default_rng(1).normal(size=(3, 400))
    draws[1, :50] = np.nan
    draws[2, :300] = np.nan
    low, high, undefined = percentile_limits(draws, 0.9)
    for i in (0, 1):
        assert (low[i], high[i]) == pytest.approx(np.nanpercentile(draws[i], [5, 95]), abs=1e-12)
    assert np.isnan(low[2])
    assert undefined.tolist() == [0, 50, 300]


def test_centred_resamples_have_the_estimate_as_median():
    draws = np.random.default_rng(1).gamma(2, size=(1, 999))
    assert np.median(centred(draws, np.array([0.5]))) == pytest.approx(0.5, abs=1e-12)


def test_bootstrap_p_is_never_zero():
    assert percentile_p(np.full(1999, 0.1)) == pytest.approx(2 / 2000)
    assert percentile_p(np.zeros(10)) == 1.0
    assert math.isnan(percentile_p(np.full(5, np.nan)))


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.04, 0.04, Verdict.WITHIN_MARGIN),
        (0.01, 0.04, Verdict.WITHIN_MARGIN),
        (0.01, 0.09, Verdict.GAP),
        (-0.2, -0.06, Verdict.GAP),
        (-0.2, 0.1, Verdict.INCONCLUSIVE),
        (0.0, 0.1, Verdict.INCONCLUSIVE),
        (math.nan, math.nan, Verdict.INCONCLUSIVE),
    ],
)
def test_verdicts_in_their_order(low, high, expected):
    assert verdict(low, high, 0.05) is expected


@pytest.mark.parametrize(("n2", "expected"), [(13, 0.385), (50, 0.197), (100, 0.137), (207, 0.096)])
def test_minimum_detectable_difference(n2, expected):
    assert detectable_difference(0.8, 1000, n2, level=0.95, worse=-1) == pytest.approx(expected, abs=5e-4)


def test_minimum_detectable_difference_of_one_patient_is_everything():
    assert detectable_difference(0.8, 292, 1, level=0.95, worse=-1, scarce=(False, True)) == 1.0
    assert math.isnan(detectable_difference(0.8, 292, 0, level=0.95, worse=-1))


def test_pairing_makes_smaller_differences_detectable():
    alone, paired = (detectable_difference(0.8, 200, 200, level=0.95, worse=-1, rho=rho) for rho in (0.0, 0.6))
    assert paired < alone


@pytest.mark.parametrize("method", ["holm", "fdr_bh"])
def test_adjusting_leaves_undefined_tests_out(method):
    p = [0.01, math.nan, 0.04, 0.03]
    ours = adjust(p, method=method)
    assert math.isnan(ours[1])
    assert [ours[i] for i in (0, 2, 3)] == pytest.approx(multipletests([0.01, 0.04, 0.03], method=method)[1])
    assert all(math.isnan(v) for v in adjust([math.nan], method=method))


def coverage(rng, *, n_patients, pictures, icc, p, worlds):
    """Share of worlds whose interval of a zero gap holds 0, and share that would be called a gap."""
    held = 0
    for _ in range(worlds):
        clusters, groups, success = [], [], []
        start = 0
        for g, patients in enumerate(n_patients):
            shared = rng.random(patients) < p
            own = rng.random((patients, pictures)) < p
            copies = rng.random((patients, pictures)) < math.sqrt(icc)
            success.append(np.where(copies, shared[:, None], own).ravel())
            clusters.append(np.repeat(np.arange(start, start + patients), pictures))
            groups.append(np.full(patients * pictures, g))
            start += patients
        cells = table(np.concatenate(clusters), np.concatenate(success), np.concatenate(groups), 2)
        a, b = proportions(cells)
        low, high = square_and_add(
            (a.value, *wilson(a.value, a.n_effective, Z)),
            (b.value, *wilson(b.value, b.n_effective, Z)),
            rho=correlation(cells, 0, 1),
        )
        held += low <= 0 <= high
    return held / worlds


@pytest.mark.parametrize(("pictures", "icc", "p"), [(1, 0.0, 0.8), (4, 0.5, 0.8), (4, 0.0, 0.9)])
def test_gap_intervals_cover_and_rarely_cry_gap(pictures, icc, p):
    worlds = 600
    held = coverage(np.random.default_rng(3), n_patients=(200, 20), pictures=pictures, icc=icc, p=p, worlds=worlds)
    assert held >= 0.93 - 2 * math.sqrt(0.93 * 0.07 / worlds)
    assert 1 - held <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / worlds)


def test_limits_on_the_far_side_of_their_value_are_no_arms():
    assert square_and_add((0.5, 0.6, 0.7), (0.7, 0.6, 0.9)) == pytest.approx((0.2 - math.hypot(0.1, 0.2), 0.4))


def test_a_p_value_is_one_where_the_middle_of_the_resamples_lies_beyond_zero():
    assert p_by_inversion(lambda z: (-0.1 - z, 0.3 + z), 0.05, z=1.96) == 1.0


def test_icc_without_a_positive_variance_counts_patients():
    # One patient alone in a group with all the variance, two equal ones in the other: mean squares 0 and 2/7, typical size 1.
    assert anova_icc(table([0] * 7 + [1, 2], [1] * 4 + [0] * 3 + [1, 1], [0] * 7 + [1, 1], 2)) == 1.0


@pytest.mark.parametrize("low", [-0.05, -0.01, 0.0, 0.01, 0.02])
def test_percentile_p_agrees_with_the_limits(low):
    draws = np.random.default_rng(0).permutation(np.linspace(low, 1.0, 400))
    for level in (0.9, 0.95, 0.99):
        below, above, _ = percentile_limits(draws, level)
        assert (percentile_p(draws) < 1 - level) == bool(below > 0 or above < 0)
    p = percentile_p(draws)
    if 2 / 401 < p < 1:
        assert float(percentile_limits(draws, 1 - p)[0]) == pytest.approx(0.0, abs=1e-9)
