"""The trace against the core run by hand, formulas against NumPy, gradients against slow twins."""

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

import ncf_numpy
from ncf_numpy.core.gradcheck import numerical_gradient, redraw_embeddings
from ncf_numpy.core.losses import BPR, BinaryCrossEntropy, BinaryCrossEntropyWithLogits
from ncf_numpy.core.models import GMF, MF, MLP, NeuMF
from ncf_numpy.core.optimizers import SGD, Adagrad, Adam
from ncf_numpy.learn.bugs import BUGS
from ncf_numpy.learn.stepper.trace import trace_step
from ncf_numpy.training.trainer import train_step

USERS = np.array([3, 1, 3, 0, 2, 4])  # user 3 twice
ITEMS = np.array([2, 5, 1, 2, 6, 0])  # item 2 twice
LABELS = np.array([1.0, 0.0, 1.0, 0.0, 0.0, 1.0])
BATCH = USERS, ITEMS, LABELS
FLOAT64 = {"dtype": np.float64}
MODELS = {
    "mf": lambda rng: MF(7, 9, 4, rng, **FLOAT64),
    "gmf": lambda rng: GMF(7, 9, 4, rng, **FLOAT64),
    "mlp": lambda rng: MLP(7, 9, (8, 6, 4), rng, **FLOAT64),
    "neumf": lambda rng: NeuMF(7, 9, 4, (8, 6, 4), rng, **FLOAT64),
    "weighted": lambda rng: NeuMF(7, 9, 4, (8, 6, 4), rng, branch_weight=0.3, **FLOAT64),
}
LOSSES = {"logits": BinaryCrossEntropyWithLogits, "bce": BinaryCrossEntropy, "bpr": BPR}
OPTIMIZERS = {
    "adam": lambda: Adam(0.01),
    "sgd": lambda: SGD(0.1, 0.01),
    "adagrad": lambda: Adagrad(0.1),
}
FUNCTIONS = {
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "max": max,
    "min": min,
    "abs": abs,
}


def build(name):
    rng = np.random.default_rng(1)
    model = MODELS[name](rng)
    redraw_embeddings(model, rng, 0.5)
    return model


def trace_of(name, loss="logits", optimizer="adam", **options):
    return trace_step(
        build(name), LOSSES[loss](), OPTIMIZERS[optimizer](), *labelled(loss), **options
    )


def labelled(loss):
    """BPR pairs row b with row b + 3: one of each pair is positive."""
    return (USERS, ITEMS, np.array([1.0, 0, 1, 0, 1, 0])) if loss == "bpr" else BATCH


def find(trace, phase, box, name):
    (record,) = [r for r in trace.records if (r.phase, r.box, r.name) == (phase, box, name)]
    return record


COMBINATIONS = [
    (model, loss, optimizer)
    for model in MODELS
    for loss in LOSSES
    for optimizer in (OPTIMIZERS if model == "neumf" else ["adam"])
]


@pytest.mark.parametrize(("model", "loss", "optimizer"), COMBINATIONS)
def test_every_formula_with_its_numbers_gives_numpys_value(model, loss, optimizer):
    trace = trace_of(model, loss, optimizer, numerical=False)
    for record in trace.records:
        for entry in np.ndindex(record.value.shape):
            value = eval(record.worked(entry, exact=True), {"__builtins__": {}}, FUNCTIONS)
            assert value == pytest.approx(record.value[entry], rel=1e-12, abs=1e-15), record.code


@pytest.mark.parametrize(("model", "loss", "optimizer"), COMBINATIONS)
def test_every_gradient_has_a_numerical_value_that_agrees(model, loss, optimizer):
    trace = trace_of(model, loss, optimizer)
    # dphi_M before its branch weight has no line of forward to be nudged at, relu2's dx has;
    # BPR's dx is by the differences x, which only the next line reads
    unchecked = {("weighted", "dphi_M"), (loss == "bpr" and model, "dx")}
    for record in trace.records:
        if record.phase != "backward" or not record.value.size:
            continue
        if record.numerical is None:
            assert (model, record.name) in unchecked
            continue
        assert np.isfinite(record.numerical).sum() + record.kinks == record.value.size
        assert record.relative_error() < 1e-6
        assert record.is_right()


def test_numerical_values_are_those_of_an_independent_difference():
    model, loss = build("gmf"), BinaryCrossEntropyWithLogits()
    trace = trace_of("gmf")
    h, b = model.output.W[:, 0].copy(), model.output.b.copy()
    p, q = model.user_embedding.W[USERS], model.item_embedding.W[ITEMS]

    def loss_of_phi(phi=p * q):
        return loss.forward(phi @ h + b, LABELS)

    phi = p * q
    derivatives = numerical_gradient(lambda: loss_of_phi(phi), phi)
    dx = find(trace, "backward", "output", "dx")
    np.testing.assert_allclose(dx.numerical, derivatives, rtol=1e-7, atol=1e-12)
    derivatives = numerical_gradient(lambda: loss_of_phi(p * q), p)
    dp = find(trace, "backward", "Product, eq. 8", "dp")
    np.testing.assert_allclose(dp.numerical, derivatives, rtol=1e-7, atol=1e-12)
    W = model.item_embedding.W
    derivatives = numerical_gradient(lambda: loss_of_phi(p * W[ITEMS]), W)
    dW = find(trace, "backward", "item_embedding", "dW")
    assert dW.rows.tolist() == [0, 1, 2, 5, 6]
    np.testing.assert_allclose(dW.numerical, derivatives[dW.rows], rtol=1e-7, atol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_the_trace_is_the_step_that_the_core_takes(name):
    model, loss, optimizer = build(name), BinaryCrossEntropyWithLogits(), Adam(0.01)
    trace = trace_of(name)
    value = train_step(model, loss, optimizer, *BATCH)
    assert trace.value == value == float(find(trace, "loss", "loss", "L").value)
    updates = [r for r in trace.records if r.phase == "update" and r.code.startswith("W -=")]
    for (parameter, W, dW), record in zip(model.parameters(), updates, strict=True):
        assert record.box == parameter
        box, short = parameter.split(".")
        gradient = find(trace, "backward", box, f"d{short}")
        if record.table:
            np.testing.assert_array_equal(record.value, W[record.rows])
            np.testing.assert_array_equal(gradient.value, dW.values)
        else:
            np.testing.assert_array_equal(record.value, W)
            np.testing.assert_array_equal(gradient.value, dW)


def test_arguments_are_left_as_they_are():
    model, loss, optimizer = build("neumf"), BinaryCrossEntropyWithLogits(), Adam()
    before = [W.copy() for _, W, _ in model.parameters()]
    trace_step(model, loss, optimizer, *BATCH)
    assert all(np.array_equal(W, old) for (_, W, _), old in zip(model.parameters(), before))
    assert (optimizer.t, loss.z, model.output.dW) == (0, None, None)


def test_a_gradient_worked_by_hand():
    # GMF with one factor: h = 1, b = 0, both pairs have item 0 with q = 0, so every logit is 0 and
    # sigmoid 1/2. dz = (1/2 - 1) / 2 = -1/4 and (1/2 - 0) / 2 = 1/4; dphi = dz * 1;
    # dq = dphi * p = -1/4 * 1 and 1/4 * 3; the item occurs twice: -1/4 + 3/4 = 1/2
    model = GMF(2, 1, 1, np.random.default_rng(0), **FLOAT64)
    model.user_embedding.W[:, 0] = 1, 3
    model.item_embedding.W[:] = 0
    model.output.W[:] = 1
    batch = np.array([0, 1]), np.array([0, 0]), np.array([1.0, 0.0])
    trace = trace_step(model, BinaryCrossEntropyWithLogits(), SGD(0.5), *batch)
    dW = find(trace, "backward", "item_embedding", "dW")
    assert dW.value.tolist() == [[0.5]]
    assert dW.worked() == "(-0.2500) + 0.7500"
    assert find(trace, "backward", "loss", "dz").worked() == "(1 / (1 + exp(-0)) - 1) / 2"
    # SGD: 0 - 0.5 (0.5 + 0 * 0) = -0.25
    step = find(trace, "update", "item_embedding.W", "W")
    assert step.worked() == "0 - 0.5 * (0.5000 + 0.0 * 0)"
    assert step.value.tolist() == [[-0.25]]


def test_a_long_sum_shows_three_terms_and_counts_the_rest():
    dW = find(trace_of("neumf"), "backward", "dense1", "dW")
    text = dW.worked()
    assert text.count(" * ") == 3
    assert text.endswith(" + ... 3 more")  # of the six rows of the batch
    assert dW.worked(exact=True).count(" * ") == 6


def test_a_copied_entry_says_where_it_was():
    trace = trace_of("neumf")
    phi = find(trace, "forward", "Output, eq. 12", "phi")
    assert phi.source((2, 1)) == "phi_G[2, 1]"
    assert phi.source((2, 5)) == "phi_M[2, 1]"  # after the four of phi_G
    assert find(trace, "forward", "user_embedding", "y").source((0, 2)) == "W[3, 2]"
    assert find(trace, "forward", "relu1", "y").source((0, 0)) == ""


@pytest.mark.parametrize(("model", "loss", "optimizer"), COMBINATIONS)
def test_every_operand_says_where_it_comes_from(model, loss, optimizer):
    trace = trace_of(model, loss, optimizer, numerical=False)
    for number, record in enumerate(trace.records):
        for hole in record.holes.values():
            where = record.box, record.name, hole.code
            if isinstance(hole.origin, int):
                assert hole.origin < number, where
                origin = trace.records[hole.origin]
                np.testing.assert_array_equal(origin.value.ravel(), hole.array.ravel())
            elif hole.origin == "weight":
                weights = [W for name, W in trace.weights.items() if record.box in name]
                assert any(np.isin(hole.array, W).all() for W in weights), where
            elif hole.origin == "labels":
                np.testing.assert_array_equal(hole.array, labelled(loss)[2][: len(hole.array)])
            elif hole.origin == "kept":
                assert record.phase == "update" and not hole.array.any(), where
            else:
                assert hole.origin == "setting" and hole.array.ndim == 0, where


def test_dy_is_what_the_layer_above_has_returned():
    trace = trace_of("neumf", numerical=False)

    def origin(box, name, code):
        record = trace.records[find(trace, "backward", box, name).holes[code].origin]
        return record.box, record.name

    assert origin("output", "dW", "dy[b,o]") == ("loss", "dz")
    assert origin("relu2", "dx", "dy[...]") == ("Output, eq. 12", "dphi_M")
    assert origin("dense2", "dW", "dy[b,o]") == ("relu2", "dx")
    assert origin("dense2", "dW", "self.x[b,i]") == ("relu1", "y")
    assert origin("item_embedding", "dW", "dy[b,k]") == ("Embeddings", "dq")
    assert origin("user_embedding", "dW", "dy[b,k]") == ("Embeddings", "dp")
    assert find(trace, "backward", "dense2", "dx").holes["self.W[i,o]"].origin == "weight"


def test_visits_go_forward_and_come_back():
    stops = [(stop.phase, stop.box) for stop in trace_of("gmf").stops]
    assert stops == [
        ("forward", "user_embedding"),
        ("forward", "item_embedding"),
        ("forward", "Product, eq. 8"),
        ("forward", "output"),
        ("loss", "loss"),
        ("backward", "loss"),
        ("backward", "output"),
        ("backward", "Product, eq. 8"),
        ("backward", "item_embedding"),
        ("backward", "user_embedding"),
        ("update", "optimizer"),
        ("update", "user_embedding.W"),
        ("update", "item_embedding.W"),
        ("update", "output.W"),
        ("update", "output.b"),
    ]


def test_a_record_names_the_line_that_computed_it():
    folder = Path(ncf_numpy.__file__).parent
    for record in trace_of("neumf").records:
        line = (folder / record.file).read_text(encoding="utf-8").splitlines()[record.line - 1]
        assert line.strip().startswith(record.code)


@pytest.mark.parametrize("name", MODELS)
def test_the_entry_shown_of_a_table_is_one_that_is_read_twice(name):
    trace = trace_of(name, numerical=False)
    for box, row in (("user_embedding", 3), ("item_embedding", 2)):
        records = [find(trace, "backward", box, "dW")]
        records += [r for r in trace.records if r.box == f"{box}.W"]
        assert [r.rows[r.entry[0]] for r in records] == [row] * 6


def test_a_planted_bug_shows_and_is_gone_afterwards():
    right = trace_of("neumf")
    wrong = trace_of("neumf", bug=BUGS["dropped-repeats"])
    shown = [
        r.box for r, w in zip(right.records, wrong.records) if not np.array_equal(r.value, w.value)
    ]
    assert shown[:2] == ["item_embedding", "user_embedding"]
    dW = find(wrong, "backward", "item_embedding", "dW")
    assert not dW.is_right()
    naive = np.zeros((9, 8))
    naive[ITEMS] += dW.holes["dy[b,k]"].array  # keeps the last of each item
    np.testing.assert_array_equal(dW.value, naive[dW.rows])
    assert all(record.is_right() for record in trace_of("neumf").records if record.formula.of)


def test_a_stale_cache_shows_in_the_very_first_step():
    right, wrong = trace_of("gmf"), trace_of("gmf", bug=BUGS["stale-cache"])
    differs = (
        find(right, "backward", "output", "dW").value
        != find(wrong, "backward", "output", "dW").value
    )
    assert differs.any()


def test_a_step_across_a_relu_kink_is_counted_and_not_called_wrong():
    model = MLP(7, 9, (8, 4), np.random.default_rng(0), **FLOAT64)
    model.tower[0][0].W[:] = 0
    model.tower[0][0].b[:] = 1e-6  # every ReLU sees 1e-6: a step of 1e-5 crosses 0
    trace = trace_step(model, BinaryCrossEntropyWithLogits(), SGD(0.1), *BATCH)
    db = find(trace, "backward", "dense1", "db")
    assert db.kinks == 4
    assert np.isnan(db.numerical).all()
    assert db.is_right()


def test_a_large_array_is_checked_at_a_sample():
    model = MLP(7, 9, (32, 16), np.random.default_rng(0), **FLOAT64)
    dW = find(
        trace_step(model, BinaryCrossEntropyWithLogits(), SGD(0.1), *BATCH),
        "backward",
        "dense1",
        "dW",
    )
    assert dW.value.size == 512
    assert 40 <= np.isfinite(dW.numerical).sum() <= 41  # 40 and the entry that is shown
    assert np.isfinite(dW.numerical[dW.entry])


def test_it_survives_json_unrounded():
    trace = trace_of("neumf")
    data = json.loads(json.dumps(trace.to_dict(), allow_nan=False))
    for record, read in zip(trace.records, data["records"], strict=True):
        assert read["value"] == record.value.tolist()
        if record.numerical is not None:
            np.testing.assert_array_equal(np.array(read["numerical"], float), record.numerical)
    assert data["batch"]["users"] == USERS.tolist()


def test_the_tracer_there_was_is_put_back_whatever_happens():
    def mine(frame, event, argument):
        return None

    outer = sys.gettrace()
    sys.settrace(mine)
    try:
        trace_of("mf")
        seen = sys.gettrace()
        with pytest.raises(IndexError, match="users must be in"):
            trace_step(build("mf"), LOSSES["logits"](), SGD(0.1), USERS + 99, ITEMS, LABELS)
        seen_after_error = sys.gettrace()
    finally:
        sys.settrace(outer)
    assert seen is mine
    assert seen_after_error is mine


def test_float32_is_refused():
    model = GMF(7, 9, 4, np.random.default_rng(0))
    with pytest.raises(TypeError, match="user_embedding.W is float32"):
        trace_step(model, BinaryCrossEntropyWithLogits(), SGD(0.1), *BATCH)


def test_an_optimizer_without_formulas_is_refused():
    with pytest.raises(
        TypeError, match="no formulas for RowAdam; there are some for Adagrad, Adam"
    ):
        trace_step(build("gmf"), BinaryCrossEntropyWithLogits(), ncf_numpy.RowAdam(), *BATCH)
