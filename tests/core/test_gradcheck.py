import numpy as np
import pytest
from small_models import ITEMS, LABELS, USERS

from ncf_numpy.core import gradcheck
from ncf_numpy.core.gradcheck import (
    GradientError,
    check_gradients,
    check_layer,
    numerical_gradient,
    redraw_embeddings,
)
from ncf_numpy.core.layers import Bias, Dense, Embedding, RowGradient
from ncf_numpy.core.losses import BinaryCrossEntropyWithLogits
from ncf_numpy.core.models import GMF, MF, MLP, NeuMF
from ncf_numpy.learn.bugs import BUGS, planted


def make_neumf(seed=0, std=1.0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    model = NeuMF(7, 9, 8, (64, 32, 16, 8), rng, dtype=dtype)
    redraw_embeddings(model, rng, std)
    return model


def check(model, **options):
    return check_gradients(
        model, BinaryCrossEntropyWithLogits(), USERS, ITEMS, LABELS, **options
    ).set_index("array")


def near_a_kink(distance=1e-6):
    """A tower of one unit of which one pair's pre-activation is this far above the ReLU's kink."""
    rng = np.random.default_rng(0)
    model = MLP(7, 9, (4, 3), rng, dtype=np.float64)
    redraw_embeddings(model, rng)
    model.forward(USERS, ITEMS)
    dense, relu = model.tower[0]
    dense.b[0] = distance - relu.x[3, 0]
    return model


# The difference quotient


def test_numerical_gradient_of_a_cube_by_hand():
    # ((x + h)^3 - (x - h)^3) / 2h = 3 x^2 + h^2: with h = 1/2 at 2 and -1, 12.25 and 3.25 exactly
    x = np.array([2.0, -1.0])
    derivatives = numerical_gradient(lambda: float((x**3).sum()), x, step=0.5)
    assert derivatives.tolist() == [12.25, 3.25]
    np.testing.assert_allclose(
        numerical_gradient(lambda: float((x**3).sum()), x), [12, 3], rtol=1e-9
    )


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1, 2)])
def test_numerical_gradient_has_the_shape_of_its_array_and_restores_it(shape):
    x = np.random.default_rng(0).normal(size=shape)
    before = x.tobytes()
    derivatives = numerical_gradient(lambda: float((x * x).sum()), x)
    assert derivatives.shape == shape
    np.testing.assert_allclose(derivatives, 2 * x, rtol=1e-8)
    assert x.tobytes() == before


def test_numerical_gradient_restores_the_array_when_the_function_raises():
    x = np.array([1.0, 2.0])
    with pytest.raises(ZeroDivisionError):
        numerical_gradient(lambda: 1 / 0, x)
    assert x.tolist() == [1, 2]


def test_float32_is_refused_with_the_reason():
    sentence = "float32, whose rounding at a step of 1e-5 is larger than the gradient: build"
    with pytest.raises(TypeError, match="gradients are checked in float64, but x is " + sentence):
        numerical_gradient(lambda: 0.0, np.ones(2, np.float32))
    with pytest.raises(TypeError, match=r"but user_embedding\.W is " + sentence):
        check(make_neumf(dtype=np.float32))


# What it reports


def test_the_table_has_a_row_per_array_and_samples_with_an_unread_row():
    table = check(make_neumf())
    assert table.columns.tolist() == ["shape", "entries", "kinks", "rel_error", "order"]
    # arrays of at most 200 whole; the read rows 0, 1, 2, 3 of 40 and 20 entries of one unread row;
    # of other arrays 200
    assert table.entries.to_dict() == {
        "dlogits": 6,
        "user_embedding.W": 180,
        "item_embedding.W": 180,  # rows 0, 1, 2, 5
        "dense1.W": 200,
        "dense1.b": 32,
        "dense2.W": 200,
        "dense2.b": 16,
        "dense3.W": 128,
        "dense3.b": 8,
        "output.W": 16,
        "output.b": 1,
    }
    assert table["shape"]["dense1.W"] == (64, 32)
    assert (table.rel_error < 1e-6).all()
    assert (table.kinks == 0).all()
    assert set(table.order) == {"2.00"}


def test_the_order_is_two_for_a_right_gradient_one_for_a_wrong_one():
    with planted(BUGS["no-bias-gradient"]), pytest.raises(GradientError) as error:
        check(make_neumf())
    order = error.value.table.set_index("array").order
    assert {float(order[f"dense{n}.b"]) for n in (1, 2, 3)} <= {0.99, 1.0, 1.01}
    assert order["output.W"] == order["dense1.W"] == order["user_embedding.W"] == "2.00"


def test_the_order_is_exact_where_the_function_is_linear():
    rng = np.random.default_rng(0)
    dense = check_layer(Dense(3, 2, rng, dtype=np.float64), rng.normal(size=(4, 3)))
    bias = check_layer(Bias(dtype=np.float64), np.array([0.1, -0.2, 0.3]))
    assert dense.array.tolist() == ["x", "W", "b"]
    assert {*dense.order, *bias.order} == {"exact"}


@pytest.mark.parametrize("std", [1.0, 0.01])
@pytest.mark.parametrize("make", [MF, GMF])
def test_weights_are_left_bit_identical(make, std):
    rng = np.random.default_rng(0)
    model = make(7, 9, 8, rng, dtype=np.float64)
    redraw_embeddings(model, rng, std)
    before = [(W, W.tobytes()) for _, W, _ in model.parameters()]
    check(model)
    with planted(BUGS["flipped-sign"]), pytest.raises(GradientError):
        check(model)
    for (W, bits), (_, now, _) in zip(before, model.parameters(), strict=True):
        assert now is W and W.tobytes() == bits


def test_weights_are_left_bit_identical_wherever_the_check_is_interrupted():
    class Interrupted(BinaryCrossEntropyWithLogits):
        calls_left = 0

        def forward(self, z, labels):
            self.calls_left -= 1
            if self.calls_left == 0:
                raise KeyboardInterrupt
            return super().forward(z, labels)

    model, loss = GMF(7, 9, 4, np.random.default_rng(0), dtype=np.float64), Interrupted()
    before = [W.tobytes() for _, W, _ in model.parameters()]
    for loss.calls_left in range(1, 40):
        with pytest.raises(KeyboardInterrupt):
            check_gradients(model, loss, USERS, ITEMS, LABELS)
        assert [W.tobytes() for _, W, _ in model.parameters()] == before


def test_the_sample_is_that_of_the_generator():
    one, two = (check(make_neumf(), rng=np.random.default_rng(5)) for _ in range(2))
    assert one.equals(two)
    assert not one.equals(check(make_neumf(), rng=np.random.default_rng(6)))


# What it must catch


def test_a_gradient_for_a_row_the_batch_does_not_read_is_caught(monkeypatch):
    backward = Embedding.backward

    def with_an_extra_row(self, dy):
        backward(self, dy)
        rows, values = np.append(self.dW.rows, 6), np.append(self.dW.values, 0 * dy[:1], axis=0)
        self.dW = RowGradient(rows, values, self.W.shape)

    monkeypatch.setattr(Embedding, "backward", with_an_extra_row)
    with pytest.raises(GradientError, match=r"user_embedding\.W: a gradient for row 6, which the"):
        check(make_neumf())


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (4, r"user_embedding\.W\[4, \d+\]: analytic 0, numerical"),  # of the unread the first
        (6, r"user_embedding\.W: Taylor remainder of order (1\.0|0\.9)\d; 2\.00 is right"),
    ],
)
def test_a_loss_that_depends_on_an_unread_row_is_caught(monkeypatch, row, message):
    forward = Embedding.forward

    def with_a_leak(self, ids):
        self.y = forward(self, ids) + self.W[row]
        return self.y

    monkeypatch.setattr(Embedding, "forward", with_a_leak)
    with pytest.raises(GradientError, match=message):
        check(make_neumf())


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda dW: None, r"output\.W: a gradient of shape None for an array of \(16, 1\)"),
        (lambda dW: dW.T, r"dense1\.W: a gradient of shape \(32, 64\) for an array of \(64, 32\)"),
        (lambda dW: dW * np.nan, r"output\.W\[\d+, 0\]: analytic nan, numerical"),
    ],
)
def test_a_gradient_missing_misshapen_or_not_a_number_is_caught(monkeypatch, spoil, message):
    backward = Dense.backward

    def spoiled(self, dy):
        dx = backward(self, dy)
        self.dW = spoil(self.dW)
        return dx

    monkeypatch.setattr(Dense, "backward", spoiled)
    with pytest.raises(GradientError, match=message):
        check(make_neumf())


@pytest.mark.parametrize("std", [1.0, 0.01])
def test_a_gmf_gradient_of_zero_is_caught_even_at_the_papers_init(monkeypatch, std):
    # absolute tolerances of 1e-3, even mean differences of 5e-6, let it pass
    rng = np.random.default_rng(0)
    model = GMF(7, 9, 8, rng, dtype=np.float64)
    redraw_embeddings(model, rng, std)
    monkeypatch.setattr(Embedding, "parameters", lambda self: [("W", self.W, 0 * self.W)])
    with pytest.raises(GradientError, match=r"user_embedding\.W\[\d, \d\]: analytic -?0, numer"):
        check(model)


def test_the_message_names_array_index_both_values_and_a_common_factor(monkeypatch):
    monkeypatch.setattr(Bias, "parameters", lambda self: [("b", self.b, 2 * self.db)])
    monkeypatch.setattr(Dense, "parameters", lambda self: [("W", self.W, 3 * self.dW)])
    layer = Bias(dtype=np.float64)
    with pytest.raises(GradientError, match=r"^b\[0\]: analytic (\S+), numerical (\S+); 1 of 1"):
        check_layer(layer, np.array([1.0, 2.0]))
    dense = Dense(2, 2, np.random.default_rng(0), dtype=np.float64)
    with pytest.raises(GradientError, match=r"4 of 4 entries differ, each by the factor 3$"):
        check_layer(dense, np.array([[1.0, 2.0], [3.0, 5.0]]))


DENSE_BUGS = [
    "ignored-upstream",
    "reversed-rows",
    "one-percent",
    "second-mean",
    "no-bias-gradient",
    "transposed-weight",
    "stale-cache",
]


@pytest.mark.parametrize("bug", DENSE_BUGS)
def test_a_dense_layer_alone_shows_its_bugs(bug):
    # with ones as upstream gradient the first two would pass
    layer = Dense(3, 2, np.random.default_rng(0), dtype=np.float64)
    x = np.random.default_rng(1).normal(size=(4, 3))
    check_layer(layer, x)
    with planted(BUGS[bug]), pytest.raises(GradientError):
        check_layer(Dense(3, 2, np.random.default_rng(0), dtype=np.float64), x)


def test_one_percent_of_a_gradient_of_1e_5_is_caught():
    # an absolute tolerance of 1e-6 would pass it
    layer = Dense(3, 2, np.random.default_rng(0), dtype=np.float64)
    with planted(BUGS["one-percent"]), pytest.raises(GradientError, match="6 of 6 entries"):
        check_layer(layer, np.full((4, 3), 1e-5))


def test_a_stale_cache_is_caught_in_a_batch_of_one():
    with planted(BUGS["stale-cache"]), pytest.raises(GradientError):
        check_gradients(
            make_neumf(), BinaryCrossEntropyWithLogits(), USERS[:1], ITEMS[:1], LABELS[:1]
        )


# ReLU kinks


def test_a_kink_is_counted_not_called_wrong():
    table = check(near_a_kink(distance=5e-5), step=1e-4)
    # the unit's own bias moves its pre-activation of 5e-5 by 1e-4, the two other biases do not
    assert table.kinks["dense1.b"] == 1
    assert table.entries["dense1.b"] == 2
    assert table.kinks["output.b"] == table.kinks["dlogits"] == 0
    assert check(near_a_kink(distance=5e-5), step=1e-6).kinks.sum() == 0


def test_a_kink_too_near_for_any_taylor_step_is_not_called_wrong():
    table = check(near_a_kink(distance=1e-6))
    assert table.kinks["dense1.b"] == 1
    assert (table.rel_error < 1e-6).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_step_of_1e_4_at_the_papers_init_does_not_call_neumf_wrong(seed):
    model = make_neumf(seed, std=0.01)
    coarse, fine = check(model, step=1e-4), check(model)
    assert (coarse.rel_error < 1e-6).all()
    assert fine.kinks.sum() <= coarse.kinks.sum()  # what the smaller step is for


def test_a_step_of_1e_4_at_the_papers_init_does_cross_kinks():
    # Pre-activations of dense1 have deviation .01 sqrt(64 / 48) = .0115, so density .4 / .0115 = 35
    # at 0. A bias moves 5 distinct pairs' by 1e-4 both ways: 32 * 5 * 35 * 2e-4 = 1.1 a seed.
    kinks = [check(make_neumf(seed, std=0.01), step=1e-4).kinks for seed in (0, 1, 4)]
    assert 1 <= sum(k["dense1.b"] for k in kinks) <= 12


def test_kinks_do_not_hide_a_bug():
    message = r"dense1\.W\[.*; \d+ of \d+ entries differ.*\(\d+ more cross a ReLU kink and were"
    with planted(BUGS["one-percent"]), pytest.raises(GradientError, match=message):
        check(near_a_kink(distance=5e-5), step=1e-4)


def test_more_kinks_than_comparable_entries_are_an_error():
    with pytest.raises(GradientError, match=r"dense1\.b: \d+ of 32 entries cross a ReLU kink"):
        check(make_neumf(std=0.01), step=1e-2)


def test_redraw_embeddings_redraws_both_tables_in_place_and_nothing_else():
    model = NeuMF(70, 90, 8, (64, 32), np.random.default_rng(0), dtype=np.float64)
    tables = [model.user_embedding.W, model.item_embedding.W]
    others = [(W, W.copy()) for _, W, _ in model.parameters()[2:]]
    redraw_embeddings(model, np.random.default_rng(1))
    assert model.user_embedding.W is tables[0] and model.item_embedding.W is tables[1]
    assert all(abs(W.std() - 1) < 0.05 for W in tables)
    assert all(np.array_equal(W, copy) for W, copy in others)


def test_the_tolerances_are_those_documented():
    assert (gradcheck.STEP, gradcheck.RTOL, gradcheck.ATOL) == (1e-5, 1e-6, 1e-9)
