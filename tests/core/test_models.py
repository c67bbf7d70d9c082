import math

import numpy as np
import pytest
from small_models import ITEMS, LABELS, USERS, builders

from ncf_numpy.core.checks import check_sizes
from ncf_numpy.core.gradcheck import check_gradients, redraw_embeddings
from ncf_numpy.core.layers import Dense, Embedding, ReLU
from ncf_numpy.core.losses import BinaryCrossEntropyWithLogits
from ncf_numpy.core.models import GMF, MF, MLP, NeuMF
from ncf_numpy.core.row_gradient import RowGradient

MODELS = builders() | {
    "mf of one factor": lambda rng, **kw: MF(7, 9, 1, rng, **kw),
    "gmf of one factor": lambda rng, **kw: GMF(7, 9, 1, rng, **kw),
    "mlp without a hidden layer": lambda rng, **kw: MLP(7, 9, (8,), rng, **kw),
    "neumf of one factor": lambda rng, **kw: NeuMF(7, 9, 1, (2, 1), rng, **kw),
    "neumf without a hidden layer": lambda rng, **kw: NeuMF(7, 9, 3, [6], rng, **kw),
    "neumf, alpha .3": lambda rng, **kw: NeuMF(7, 9, 4, (8, 6), rng, branch_weight=0.3, **kw),
    "neumf, alpha 0": lambda rng, **kw: NeuMF(7, 9, 4, (8, 6), rng, branch_weight=0, **kw),
    "neumf, alpha 1": lambda rng, **kw: NeuMF(7, 9, 4, (8, 6), rng, branch_weight=1, **kw),
}
FOUR = tuple(builders())


def make_model(name, seed=0):
    """In float64, with every weight and bias away from its start."""
    rng = np.random.default_rng(seed)
    model = MODELS[name](rng, dtype=np.float64)
    for _, W, _ in model.parameters():
        W[:] = rng.normal(0, 0.7, W.shape)
    return model


def step(model, users=USERS, items=ITEMS, labels=LABELS):
    """The logits, and all gradients as arrays by name."""
    loss = BinaryCrossEntropyWithLogits()
    logits = model.forward(users, items)
    loss.forward(logits, labels)
    model.backward(loss.backward())
    return logits, {
        name: dW.to_dense() if isinstance(dW, RowGradient) else dW
        for name, _, dW in model.parameters()
    }


# Formulas


def test_mf_by_hand():
    model = MF(2, 2, 2, np.random.default_rng(0), dtype=np.float64)
    model.user_embedding.W[:] = [[1, 2, 0.5], [3, -1, 0.25]]  # p_u and b_u
    model.item_embedding.W[:] = [[4, 1, -1], [0, 2, 2]]  # q_i and b_i
    model.output.b[:] = 10
    # 1*4 + 2*1 + .5 - 1 + 10 = 15.5;  3*0 + -1*2 + .25 + 2 + 10 = 10.25
    assert model.forward([0, 1], [0, 1]).tolist() == [15.5, 10.25]
    model.backward(np.array([1.0, 2.0]))
    # user 0: 1 * (q_0, 1); user 1: 2 * (q_1, 1); items likewise with p; b: 1 + 2
    assert model.user_embedding.dW.to_dense().tolist() == [[4, 1, 1], [0, 4, 2]]
    assert model.item_embedding.dW.to_dense().tolist() == [[1, 2, 1], [6, -2, 2]]
    assert model.output.db.tolist() == [3]


def test_gmf_with_h_one_and_b_zero_is_the_inner_product():
    model = make_model("gmf")
    model.output.W[:], model.output.b[:] = 1, 0
    P, Q = model.user_embedding.W, model.item_embedding.W
    expected = [P[u] @ Q[i] for u, i in zip(USERS, ITEMS, strict=True)]
    np.testing.assert_allclose(model.forward(USERS, ITEMS), expected, rtol=1e-14)


def test_mlp_without_a_hidden_layer_is_linear_in_both_vectors():
    model = make_model("mlp without a hidden layer")
    P, Q, h = model.user_embedding.W, model.item_embedding.W, model.output.W[:, 0]
    expected = [P[u] @ h[:4] + Q[i] @ h[4:] for u, i in zip(USERS, ITEMS, strict=True)]
    np.testing.assert_allclose(
        model.forward(USERS, ITEMS), expected + model.output.b, rtol=1e-13, atol=1e-15
    )


def slow_neumf(model, u, i):
    """Equation 12 for one pair, one number at a time."""
    K, alpha = model.n_factors, model.branch_weight
    p, q = model.user_embedding.W[u].tolist(), model.item_embedding.W[i].tolist()
    phi_G = [p[k] * q[k] for k in range(K)]
    phi_M = p[K:] + q[K:]
    for dense, _ in model.tower:
        W, b = dense.W.tolist(), dense.b.tolist()
        sums = [b[o] + sum(z * W[n][o] for n, z in enumerate(phi_M)) for o in range(len(b))]
        phi_M = [max(s, 0.0) for s in sums]
    if alpha is not None:
        phi_G = [alpha * z for z in phi_G]
        phi_M = [(1 - alpha) * z for z in phi_M]
    return model.output.b.item() + sum(
        z * h for z, h in zip(phi_G + phi_M, model.output.W[:, 0].tolist(), strict=True)
    )


@pytest.mark.parametrize("name", [name for name in MODELS if name.startswith("neumf")])
def test_neumf_is_its_slow_twin(name):
    model = make_model(name)
    expected = [slow_neumf(model, u, i) for u, i in zip(USERS, ITEMS, strict=True)]
    np.testing.assert_allclose(model.forward(USERS, ITEMS), expected, rtol=1e-12, atol=1e-13)


def test_user_and_item_are_not_swapped():
    for name in FOUR:
        model = make_model(name)
        logit = model.forward([6], [8])  # row 8 is in the item table only
        model.user_embedding.W[6] += 1
        assert model.forward([6], [8]) != logit
        model.user_embedding.W[6] -= 1
        model.item_embedding.W[6] += 1
        np.testing.assert_allclose(model.forward([6], [8]), logit, rtol=1e-12)


# Gradients


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("B", [6, 1])
def test_every_gradient_is_the_derivative(name, B):
    rng = np.random.default_rng(0)
    model = MODELS[name](rng, dtype=np.float64)
    redraw_embeddings(model, rng)
    loss = BinaryCrossEntropyWithLogits()
    table = check_gradients(model, loss, USERS[:B], ITEMS[:B], LABELS[:B])
    assert table.array.tolist() == ["dlogits", *(name for name, _, _ in model.parameters())]
    assert (table.rel_error < 1e-6).all()


@pytest.mark.parametrize("name", MODELS)
def test_permuting_the_batch_permutes_the_logits_and_changes_no_gradient(name):
    model, order = make_model(name), np.array([4, 0, 5, 3, 1, 2])
    logits, gradients = step(model)
    permuted, same = step(model, USERS[order], ITEMS[order], LABELS[order])
    np.testing.assert_allclose(permuted, logits[order], rtol=1e-12)
    for array in gradients:
        np.testing.assert_allclose(same[array], gradients[array], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("name", MODELS)
def test_backward_sets_every_gradient_and_touches_no_weight(name):
    model = make_model(name)
    before = [(W, W.copy()) for _, W, _ in model.parameters()]
    assert all(dW is None for _, _, dW in model.parameters())
    step(model)
    for (W, copy), (_, now, dW) in zip(before, model.parameters(), strict=True):
        assert now is W
        np.testing.assert_array_equal(now, copy)
        assert dW.shape == W.shape


def test_predict_is_a_forward_to_which_backward_then_refers():
    model = make_model("neumf")
    model.forward(USERS, ITEMS)
    model.predict([0], [0])
    with pytest.raises(ValueError, match=r"expects dy as float64 of shape \(1, 1\)"):
        model.backward(np.ones(6))


@pytest.mark.parametrize("name", FOUR)
def test_float32_stays_float32(name):
    model = MODELS[name](np.random.default_rng(0))
    logits, gradients = step(model)
    assert logits.dtype == model.predict(USERS, ITEMS).dtype == np.float32
    assert {W.dtype for _, W, _ in model.parameters()} == {np.dtype(np.float32)}
    assert {a.dtype for a in gradients.values()} == {np.dtype(np.float32)}


def test_branch_weight_scales_what_the_output_layer_sees():
    weighted, plain = make_model("neumf, alpha .3"), make_model("neumf, alpha .3")
    plain.branch_weight = None
    plain.output.W[:4] *= 0.3
    plain.output.W[4:] *= 0.7
    np.testing.assert_allclose(
        weighted.forward(USERS, ITEMS), plain.forward(USERS, ITEMS), rtol=1e-12
    )
    # a branch of weight 0 learns nothing: with alpha = 0 the GMF factors, with 1 the tower
    _, gradients = step(make_model("neumf, alpha 0"))
    assert not gradients["user_embedding.W"][:, :4].any()
    assert gradients["user_embedding.W"][:, 4:].any()
    _, gradients = step(make_model("neumf, alpha 1"))
    assert gradients["user_embedding.W"][:, :4].any()
    assert not gradients["user_embedding.W"][:, 4:].any()
    assert not gradients["dense1.W"].any()


# Starting from trained branches


@pytest.mark.parametrize("alpha", [0, 0.3, 0.5, 1])
def test_from_pretrained_starts_at_the_weighted_logits(alpha):
    gmf, mlp = make_model("gmf", seed=1), make_model("mlp", seed=2)
    model = NeuMF.from_pretrained(gmf, mlp, alpha)
    users, items = np.divmod(np.arange(63), 9)  # all pairs
    expected = alpha * gmf.forward(users, items) + (1 - alpha) * mlp.forward(users, items)
    assert model.branch_weight is None
    np.testing.assert_allclose(model.forward(users, items), expected, rtol=0, atol=1e-12)


def test_from_pretrained_copies():
    gmf, mlp = make_model("gmf"), make_model("mlp")
    before = [W.copy() for part in (gmf, mlp) for _, W, _ in part.parameters()]
    model = NeuMF.from_pretrained(gmf, mlp)
    trained = [W for part in (gmf, mlp) for _, W, _ in part.parameters()]
    assert not any(np.shares_memory(W, V) for _, W, _ in model.parameters() for V in trained)
    for _, W, _ in model.parameters():
        W += 1
    for W, copy in zip(trained, before, strict=True):
        np.testing.assert_array_equal(W, copy)


def test_from_pretrained_keeps_float32_and_refuses_strangers():
    rng = np.random.default_rng(0)
    model = NeuMF.from_pretrained(GMF(7, 9, 4, rng), MLP(7, 9, (8, 4), rng), np.float64(0.3))
    assert {W.dtype for _, W, _ in model.parameters()} == {np.dtype(np.float32)}
    with pytest.raises(ValueError, match=r"the same users and items, got\nGMF.*[\s\S]*MLP"):
        NeuMF.from_pretrained(GMF(7, 9, 4, rng), MLP(9, 7, (8, 4), rng))
    with pytest.raises(ValueError, match=r"alpha must be in \[0, 1\], got 1.5"):
        NeuMF.from_pretrained(GMF(7, 9, 4, rng), MLP(7, 9, (8, 4), rng), 1.5)


# Names, sizes, starts


def test_layers_parameters_and_lookups_are_named_in_forward_order():
    model = make_model("neumf")
    names = ["user_embedding", "item_embedding", "dense1", "relu1", "dense2", "relu2", "output"]
    kinds = [Embedding, Embedding, Dense, ReLU, Dense, ReLU, Dense]
    assert [name for name, _ in model.layers()] == names
    assert [type(layer) for _, layer in model.layers()] == kinds
    assert [(name, W.shape) for name, W, _ in model.parameters()] == [
        ("user_embedding.W", (7, 8)),  # 4 factors + 8 / 2
        ("item_embedding.W", (9, 8)),
        ("dense1.W", (8, 6)),
        ("dense1.b", (6,)),
        ("dense2.W", (6, 4)),
        ("dense2.b", (4,)),
        ("output.W", (8, 1)),  # 4 factors + 4
        ("output.b", (1,)),
    ]
    (user_table, W_u, users), (item_table, W_i, items) = model.lookups(USERS, ITEMS)
    assert (user_table, item_table) == ("user_embedding.W", "item_embedding.W")
    assert W_u is model.user_embedding.W and W_i is model.item_embedding.W
    assert users is USERS and items is ITEMS


def test_printing_a_model_counts_its_parameters():
    # (6040 + 3706) * (8 + 32) = 389,840;  64*32 + 32 = 2,080;  32*16 + 16 = 528;
    # 16*8 + 8 = 136;  (8 + 8) + 1 = 17;  together 392,601
    text = repr(NeuMF(6040, 3706, 8, (64, 32, 16, 8), np.random.default_rng(0)))
    assert text.startswith("NeuMF: 392,601 parameters\n")
    rows = [line.split() for line in text.splitlines()[1:]]
    assert rows[0] == ["user_embedding.W", "(6040,", "40)", "241,600"]
    assert rows[-1] == ["output.b", "(1,)", "1"]
    assert len(rows) == 10


@pytest.mark.parametrize("name", MODELS)
def test_at_the_start_the_loss_is_ln_2(name):
    model = MODELS[name](np.random.default_rng(0))
    value = BinaryCrossEntropyWithLogits().forward(model.forward(USERS, ITEMS), LABELS)
    assert value == pytest.approx(math.log(2), abs=0.01)


def test_weights_start_as_the_authors_code_has_them():
    model = NeuMF(3000, 2000, 8, (64, 32, 16, 8), np.random.default_rng(0))
    assert model.user_embedding.W.std() == pytest.approx(0.01, rel=0.02)
    assert model.item_embedding.W.std() == pytest.approx(0.01, rel=0.02)
    first = abs(model.tower[0][0].W).max()
    assert 0.99 * 0.25 < first <= 0.25  # Glorot: sqrt(6 / (64 + 32)) = 1/4, of 2,048 draws
    wide = MLP(5, 5, (192,), np.random.default_rng(0)).output.W
    assert 0.9 * 0.125 < abs(wide).max() <= 0.125  # LeCun: sqrt(3 / 192) = 1/8, of 192 draws
    mf = MF(3000, 2000, 8, np.random.default_rng(0))
    assert mf.user_embedding.W[:, :8].std() == pytest.approx(0.01, rel=0.02)
    assert not mf.user_embedding.W[:, 8].any() and not mf.item_embedding.W[:, 8].any()
    assert not mf.output.b.any() and not model.output.b.any() and not model.tower[0][0].b.any()


@pytest.mark.parametrize("name", MODELS)
def test_the_same_seed_is_the_same_model_to_the_bit(name):
    one, two, other = (MODELS[name](np.random.default_rng(seed)) for seed in (3, 3, 4))
    arrays = [[W for _, W, _ in model.parameters()] for model in (one, two, other)]
    assert all(np.array_equal(a, b) for a, b in zip(arrays[0], arrays[1], strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(arrays[0][:2], arrays[2][:2], strict=True))


def test_predict_is_the_sigmoid_of_forward():
    for name in MODELS:
        model = make_model(name)
        p = 1 / (1 + np.exp(-model.forward(USERS, ITEMS)))
        np.testing.assert_allclose(model.predict(USERS, ITEMS), p, rtol=1e-13)


# Bad input


@pytest.mark.parametrize("name", FOUR)
def test_bad_pairs_raise(name):
    model = make_model(name)
    with pytest.raises(ValueError, match="users and items must be of one length B, got 1 and 3"):
        model.forward([0], [0, 1, 2])  # NumPy would broadcast the user
    with pytest.raises(IndexError, match=r"in \[0, 7\), got 8"):
        model.forward([8], [6])  # swapped: 8 is an item, not a user
    with pytest.raises(IndexError, match=r"in \[0, 9\), got -1"):
        model.forward([0], [-1])
    with pytest.raises(RuntimeError, match="before any forward"):
        make_model(name).backward(np.ones(3))


def test_a_size_is_below_two_to_the_31():
    check_sizes(factors=2**31 - 1)
    with pytest.raises(ValueError, match=r"factors must be below 2\*\*31, got 2147483648"):
        check_sizes(factors=2**31)


@pytest.mark.parametrize("size", [0, -1, 2.0, "3", None])
def test_bad_sizes_raise(size):
    rng = np.random.default_rng(0)
    for make, name in [
        (lambda: MF(size, 9, 4, rng), "n_users"),
        (lambda: GMF(7, size, 4, rng), "n_items"),
        (lambda: NeuMF(7, 9, size, (8, 4), rng), "n_factors"),
        (lambda: MLP(7, 9, (8, size), rng), "every width in layers"),
    ]:
        with pytest.raises(
            ValueError, match=f"{name} must be an integer of at least 1, got {size!r}"
        ):
            make()


def test_bad_widths_and_branch_weights_raise():
    rng = np.random.default_rng(0)
    for layers in [(), (7, 4)]:
        with pytest.raises(ValueError, match="layers must begin with an even width, user and item"):
            MLP(7, 9, layers, rng)
        with pytest.raises(ValueError, match="layers must begin with an even width"):
            NeuMF(7, 9, 4, layers, rng)
    for alpha in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match=r"branch_weight must be in \[0, 1\], got"):
            NeuMF(7, 9, 4, (8, 4), rng, branch_weight=alpha)


# Sizes, initial weights, arguments


@pytest.mark.parametrize("name", ["n_users", "n_items", "n_factors"])
def test_every_size_of_every_model_is_checked_and_named(name):
    makers = {
        MF: ("n_users", "n_items", "n_factors"),
        GMF: ("n_users", "n_items", "n_factors"),
        MLP: ("n_users", "n_items"),
        NeuMF: ("n_users", "n_items", "n_factors"),
    }
    for Model, names in makers.items():
        if name in names:
            sizes = {each: 3 for each in names} | {name: 0}
            widths = {} if Model in (MF, GMF) else {"layers": (4, 2)}
            with pytest.raises(
                ValueError, match=f"^{name} must be an integer of at least 1, got 0"
            ):
                Model(**sizes, **widths, rng=np.random.default_rng(0))


@pytest.mark.parametrize("name", builders())
def test_a_bad_id_is_said_to_be_a_user_or_an_item(name):
    model = builders(3, 4)[name](np.random.default_rng(0))
    with pytest.raises(IndexError, match=r"^users must be in \[0, 3\), got 3"):
        model.forward([3], [0])
    with pytest.raises(IndexError, match=r"^items must be in \[0, 4\), got 4"):
        model.forward([0], [4])


@pytest.mark.parametrize(
    "model",
    [
        GMF(5, 5, 48, np.random.default_rng(0)),
        MLP(5, 5, (4, 48), np.random.default_rng(0)),
        MLP(5, 5, (48,), np.random.default_rng(0)),
        NeuMF(5, 5, 16, (4, 32), np.random.default_rng(0)),
        NeuMF(5, 5, 16, (32,), np.random.default_rng(0)),
    ],
)
def test_the_output_layer_starts_lecun_uniform_in_the_width_it_sees(model):
    # sqrt(3 / 48) = 1/4, of 48 draws; Glorot's limit would be sqrt(6 / 49) = .35
    assert model.output.W.shape == (48, 1)
    assert 0.9 * 0.25 < abs(model.output.W).max() <= 0.25


def test_from_pretrained_weighs_both_branches_alike_by_default():
    gmf, mlp = GMF(3, 4, 2, np.random.default_rng(0)), MLP(3, 4, (4, 2), np.random.default_rng(0))
    gmf.output.b[:], mlp.output.b[:] = 3, 5
    assert NeuMF.from_pretrained(gmf, mlp).output.b.tolist() == [4]  # 3 / 2 + 5 / 2
    for alpha in (-0.5, 1.5, float("nan")):
        with pytest.raises(ValueError, match=rf"^alpha must be in \[0, 1\], got {alpha}"):
            NeuMF.from_pretrained(gmf, mlp, alpha)


def test_from_pretrained_wants_both_the_same_users_and_the_same_items():
    gmf = GMF(3, 4, 2, np.random.default_rng(0))
    for n_users, n_items in [(2, 4), (3, 5)]:
        with pytest.raises(ValueError, match="the same users and items"):
            NeuMF.from_pretrained(gmf, MLP(n_users, n_items, (4, 2), np.random.default_rng(0)))


@pytest.mark.parametrize("layers", [4, 0, (), (3, 2), (4, 0), ("4",), (4.0,)])
def test_widths_that_are_none_are_refused(layers):
    with pytest.raises(ValueError, match="layers must (begin with an even|be an int)"):
        MLP(3, 4, layers, np.random.default_rng(0))
