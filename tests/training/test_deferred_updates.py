"""Many steps of Adam without a gradient, taken as one."""

import math

import numpy as np
import pytest

from ncf_numpy.training.deferred_updates import DeferredUpdates


@pytest.mark.parametrize("beta1", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("t", [1, 5, 1024, 1025, 1026, 3000])
def test_size_eps_and_spread_are_the_moments_of_the_steps_left_out(beta1, t):
    # Step i of s + 1 .. t has the weight w_i = alpha_i (beta1 / sqrt(beta2))^(i - s - 1) and meets
    # an eps larger by x_i = beta2^(-(i - s - 1) / 2); all in sums of plain numbers.
    lr, beta2, eps = 0.01, 0.998, 1e-4
    missed = DeferredUpdates(lr, beta1, beta2, eps)
    since = np.array([s for s in (0, 1, t - 7, t - 2, t - 1) if 0 <= s < t])
    ours = missed.as_one(since, t, np.empty((len(since), 2)))
    assert ours.shape == (3, len(since), 2)
    np.testing.assert_array_equal(ours[:, :, 0], ours[:, :, 1])
    scaled_eps, gain = eps / math.sqrt(1 - beta2), (1 - beta1) / math.sqrt(1 - beta2)
    for s, (size, mean_eps, spread) in zip(since.tolist(), ours[:, :, 0].T, strict=True):
        w, x = [], []
        for i in range(s + 1, t + 1):
            alpha = lr * math.sqrt(1 - beta2**i) / (1 - beta1**i)
            w.append(gain * alpha * (beta1 / math.sqrt(beta2)) ** (i - s - 1))
            x.append(beta2 ** (-(i - s - 1) / 2))
        total = math.fsum(w)
        mean = math.fsum(a * b for a, b in zip(w, x)) / total
        variance = math.fsum(a * (b - mean) ** 2 for a, b in zip(w, x)) / total
        assert size == pytest.approx(total, rel=1e-9)
        assert mean_eps == pytest.approx(scaled_eps * mean, rel=1e-9)
        assert spread == pytest.approx(scaled_eps**2 * variance, rel=1e-6, abs=1e-13 * scaled_eps)


def test_no_step_missed_is_a_step_of_size_zero():
    missed = DeferredUpdates(0.01, 0.9, 0.999, 1e-8)
    size, eps, spread = missed.as_one(np.array([0, 7]), 7, np.empty((2, 1)))[:, 1, 0]
    assert abs(size) < 1e-200
    assert eps > 0
    assert spread == 0
    assert missed.as_one(np.array([0, 7]), 7, np.empty((2, 1), "f4")).dtype == np.float32


def test_decay_is_a_power_of_each_beta():
    k = np.array([0, 1, 3])
    m, v = DeferredUpdates(0.01, 0.5, 0.998, 1e-8).decay(k, np.empty((3, 2), np.float32))
    assert m.dtype == v.dtype == np.float32
    np.testing.assert_allclose(m, [[1, 1], [0.5, 0.5], [0.125, 0.125]], rtol=1e-6)
    np.testing.assert_allclose(v, [[1, 1], [0.998, 0.998], [0.998**3, 0.998**3]], rtol=1e-6)


def test_tables_of_numbers_grow_by_doubling_to_a_length_that_depends_on_the_step_alone():
    # else a run that was resumed, and grew in other steps, would differ in its last bits
    stepwise = DeferredUpdates(0.01, 0.9, 0.999, 1e-8)
    assert stepwise.tails.shape == (3, 1025)  # for the steps 0 .. 1024
    for t, length in [(3, 1025), (1023, 1025), (1024, 2049), (2047, 2049), (2048, 4097)]:
        stepwise.as_one(np.array([0]), t, np.empty((1, 1)))
        at_once = DeferredUpdates(0.01, 0.9, 0.999, 1e-8)
        at_once.as_one(np.array([0]), t, np.empty((1, 1)))
        for missed in (stepwise, at_once):
            assert missed.tails.shape == missed.powers.shape == (3, length)
            assert missed.decays.shape == (2, length)
        assert stepwise.tails.tobytes() == at_once.tails.tobytes()
