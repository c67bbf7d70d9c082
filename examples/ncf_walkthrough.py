# The source of ncf_walkthrough.ipynb: change this file, then run `python tools/notebook.py`.
# ruff: noqa: E402

# %% [markdown]
# # Neural collaborative filtering, by hand
#
# A recommender learns from one table of users and items. This notebook goes from that
# table to a list of artists for one listener, and leaves nothing in a black box: **every gradient
# is worked out here, in a line or two of NumPy, and compared with the one the package computes.**
#
# *Data · forward · backward · is the gradient right? · one step · training · is it any good? ·
# recommending · your turn*
#
# The model is NeuMF of [He et al., WWW 2017](https://arxiv.org/abs/1708.05031). You should know
# what a derivative and a matrix product are. All of it runs in a minute or so, on any machine.

# %% [markdown]
# The first cell finds the package. In a clone of its repository there is nothing to do. Anywhere
# else, such as on Colab, put the repository beside this notebook as a `.zip` (a repository's page
# offers it as a download), or name its address in `SOURCE`. It is never taken from PyPI, where
# another project may have its name.

# %%
import importlib.util
import pathlib
import subprocess
import sys
import zipfile

SOURCE = ""  # a folder, a .zip, or git+https://...; empty: look around


def is_installed(name):
    spec = importlib.util.find_spec(name)
    return spec is not None and spec.origin is not None  # a mere folder of that name has no origin


def look_around():
    """The checkouts, zips and wheels of the package in this folder, and the checkout it is in."""
    here = pathlib.Path.cwd()
    for path in [here, here.parent, *here.glob("*")]:
        if (path / "ncf_numpy" / "layers.py").is_file():
            yield path
        elif path.suffix in (".zip", ".whl"):
            names = zipfile.ZipFile(path).namelist()
            if any(name.endswith("ncf_numpy/core/layers.py") for name in names):
                yield path


needed = "ncf_numpy", "numpy", "pandas", "tqdm", "matplotlib"
if SOURCE or not all(is_installed(name) for name in needed):
    source = SOURCE or next(look_around(), None)
    if source is None:
        raise ModuleNotFoundError("no ncf_numpy here: upload its .zip, or set SOURCE, above")
    print("installing", source)
    is_folder = pathlib.Path(source).is_dir()
    what = ["-e", source] if is_folder else [source]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", *map(str, what), "matplotlib"]
    subprocess.run(pip, check=True)
    if is_folder:
        sys.path.insert(0, str(source))  # a running Python does not notice `-e`

# %%
import numpy as np
import pandas as pd

# %matplotlib inline
np.set_printoptions(precision=4, suppress=True)

# %% [markdown]
# ## 1. Data: users and items
#
# If the Last.fm data of HetRec 2011 is on this machine, it is used. If not, a synthetic
# sample of the same kind is: its 400 bands do not exist, and a listener likes some styles, and
# likes them loud or quiet, fast or slow.

# %%
from ncf_numpy.datasets import find_dataset, load_lastfm_2k, sample_lastfm

folder = find_dataset("lastfm-2k")
plays, oracle = (load_lastfm_2k(folder), None) if folder else sample_lastfm()
cells = plays.n_users * plays.n_items
print(f"{plays.n_users:,} listeners x {plays.n_items:,} artists")
print(f"{len(plays):,} pairs: {len(plays) / cells:.1%} of the table is filled")

# %% [markdown]
# Users and items are numbered from 0, in the order of their ids. `plays.users` and `plays.items`
# are two long columns, a row for each pair. This is one listener:

# %%
listener = 1
for item in plays.items_of(listener)[:6]:
    print(f"{item:4}  {plays.item_name(item)}")
print(f"and {len(plays.items_of(listener)) - 6} more")

# %% [markdown]
# Few artists have many listeners, and many have few. Remember it: a popular artist will be in a
# batch more than once, and section 3 will trip over that.

# %%
listeners = np.sort(np.bincount(plays.items))[::-1]  # (n_items,)
top = len(listeners) // 10
print(f"the first tenth of the artists is in {listeners[:top].sum() / len(plays):.0%} of all pairs")

# %% [markdown]
# To find out whether a recommender is good, hide something from it. Of each listener's artists
# one is held out to test, and one to choose the best epoch; the model trains on the rest. It will
# have to find the held-out artist among 99 others that the listener does not have.

# %%
from ncf_numpy.datasets import leave_one_out

split = leave_one_out(plays, np.random.default_rng(0))
held_out, others = split.test.items[listener], split.test.candidates[listener]
print(f"held out: {plays.item_name(held_out)}")
print("among:   ", ", ".join(plays.item_name(item) for item in others[:3]), "and 96 more")

# %% [markdown]
# The table knows only what people have, never what they dislike. A model that is shown nothing
# but ones learns to say one. So each pair is trained on along with four artists the listener does
# *not* have, drawn at random, with the label 0, and drawn again in every epoch.

# %%
from ncf_numpy import NegativeSampler, epoch_batches

rng = np.random.default_rng(0)
sampler = NegativeSampler(split.train)
batches = epoch_batches(split.train, sampler, rng, batch_size=256, negatives=4)
users, items, labels = next(iter(batches))  # (B,), (B,), (B,)
names = [plays.item_name(item) for item in items]
pd.DataFrame({"user": users, "item": items, "label": labels, "artist": names}).head(6)

# %% [markdown]
# ## 2. Forward: from a pair to a probability
#
# NeuMF keeps a vector for each user and one for each item, and looks at them in two ways at once:
#
# $$
# z = \bigl[\, p_G * q_G \;;\; \mathrm{ReLU}([p_M ; q_M]\, W + b) \,\bigr]\, h + c
# $$
#
# The *GMF* branch multiplies the two vectors, element by element. The *MLP* branch puts them side
# by side and sends them through dense layers (one here). $h$ and $c$ make one number of it, the
# logit $z$.
#
# We take a model so small that all its numbers can be read, of 4 users and 6 items with two numbers
# for each branch, and a batch of $B = 3$ pairs. User 3 is in it twice, and so is item 2.


# %%
from ncf_numpy import NeuMF
from ncf_numpy.core.gradcheck import redraw_embeddings


def small_model(dtype=np.float64):
    rng = np.random.default_rng(44)
    model = NeuMF(4, 6, 2, (4, 3), rng, dtype=dtype)
    redraw_embeddings(model, rng)  # std 1, where training begins with 0.01: to have some size
    return model


model = small_model()
users, items = np.array([3, 1, 3]), np.array([2, 2, 5])  # (B,), (B,)
labels = np.array([1.0, 0.0, 1.0])  # (B,)
print(model)

# %% [markdown]
# **Look up.** A user's row holds $[p_G ; p_M]$, an item's $[q_G ; q_M]$. Rows 0 and 2 of `p` are
# equal: they are the same user.

# %%
U, V = model.user_embedding.W, model.item_embedding.W  # (4, 4), (6, 4)
p, q = U[users], V[items]  # (B, 4), (B, 4)
p_G, p_M = p[:, :2], p[:, 2:]
q_G, q_M = q[:, :2], q[:, 2:]
print(p)

# %% [markdown]
# **GMF branch**, $\phi_G = p_G * q_G$:

# %%
phi_G = p_G * q_G  # (B, 2)
print(phi_G)

# %% [markdown]
# **MLP branch**, $a = x W + b$ with $x = [p_M ; q_M]$, and $\phi_M = \max(a, 0)$. Compare the two
# outputs: wherever $a$ is negative the gate is closed.

# %%
dense, relu = model.tower[0]
W, b = dense.W, dense.b  # (4, 3), (3,)
x = np.concatenate([p_M, q_M], axis=1)  # (B, 4)
a = x @ W + b  # (B, 3)
phi_M = np.maximum(a, 0)  # (B, 3)
print(a, phi_M, sep="\n\n")

# %% [markdown]
# **Output**, $z = \phi h + c$ with $\phi = [\phi_G ; \phi_M]$. The package's `forward` has the
# same lines, and the same numbers:

# %%
h, c = model.output.W, model.output.b  # (5, 1), (1,)
phi = np.concatenate([phi_G, phi_M], axis=1)  # (B, 5)
z = (phi @ h + c)[:, 0]  # (B,)
print("here:       ", z)
print("the package:", model.forward(users, items))

# %% [markdown]
# **Loss.** The sigmoid makes a probability of the logit, and binary cross-entropy says how
# surprised it is by the label:
#
# $$
# \hat y = \frac{1}{1 + e^{-z}}, \qquad
# L = -\frac1B \sum_b \bigl[ y_b \log \hat y_b + (1 - y_b) \log(1 - \hat y_b) \bigr]
# $$
#
# An untrained model answers 1/2, at a loss of $\ln 2 = 0.69$ a pair.

# %%
y_hat = 1 / (1 + np.exp(-z))  # (B,)
L = -np.mean(labels * np.log(y_hat) + (1 - labels) * np.log(1 - y_hat))
print("y_hat: ", y_hat)
print("labels:", labels)
print(f"loss:   {L:.4f}")

# %% [markdown]
# ## 3. Backward: from the loss to every weight
#
# Which way should each weight move? Its derivative $\partial L / \partial w$ tells, and backprop
# finds all of them in one pass from the loss back to the inputs. At each line of forward it asks:
# *if I know the derivative with respect to the output, what is it with respect to the inputs?* That
# is the chain rule, and here is all there is to remember:
#
# - `dx` stands for $\partial L / \partial x$ and **has the shape of `x`**, always;
# - **what acts in several places receives the sum** of what comes back from them.
#
# **The logit.** The sigmoid and the logarithm cancel, and what is left is prediction minus truth.
# The $1/B$ of the mean is here and nowhere else:
#
# $$
# \frac{\partial L}{\partial z_b} = \frac{\hat y_b - y_b}{B}
# $$
#
# It is negative where the label is 1: a larger logit would have cost less.

# %%
B = len(labels)
dz = (y_hat - labels) / B  # (B,)
print(dz)

# %% [markdown]
# **The output layer**, $z = \phi h + c$. Each entry of $h$ acts in every row of the batch, so the
# rows are summed; a matrix product does just that. $c$ acts in every row with the factor 1:
#
# $$
# dh = \phi^\top dz, \qquad dc = \sum_b dz_b, \qquad d\phi = dz\, h^\top
# $$

# %%
dh = phi.T @ dz[:, None]  # (5, B) @ (B, 1)
dc = dz.sum(keepdims=True)  # (1,)
dphi = dz[:, None] @ h.T  # (B, 1) @ (1, 5)
dphi_G, dphi_M = dphi[:, :2], dphi[:, 2:]  # a concatenation, reversed, is a split
print(dphi_G, dphi_M, sep="\n\n")

# %% [markdown]
# **The ReLU.** Where the gate was closed on the way forward it stays closed on the way back: the
# zeros below are where $a < 0$ above.
#
# $$
# da = d\phi_M * [a > 0]
# $$

# %%
da = dphi_M * (a > 0)  # (B, 3)
print(da + 0)  # -0 + 0 is 0, and reads better

# %% [markdown]
# **The dense layer**, $a = x W + b$, is the output layer over again. Its shapes leave no choice:
# (4, 3) can only be made of (4, B) @ (B, 3).
#
# $$
# dW = x^\top da, \qquad db = \sum_b da_b, \qquad dx = da\, W^\top
# $$

# %%
dW = x.T @ da  # (4, B) @ (B, 3)
db = da.sum(axis=0)  # (3,)
dx = da @ W.T  # (B, 3) @ (3, 4)
dp_M, dq_M = dx[:, :2], dx[:, 2:]
print(dW)

# %% [markdown]
# **The product** $\phi_G = p_G * q_G$: the derivative with respect to one factor is the other.
#
# $$
# dp_G = d\phi_G * q_G, \qquad dq_G = d\phi_G * p_G
# $$

# %%
dp_G = dphi_G * q_G  # (B, 2)
dq_G = dphi_G * p_G  # (B, 2)
dp = np.concatenate([dp_G, dp_M], axis=1)  # (B, 4): a split, reversed, is a concatenation
dq = np.concatenate([dq_G, dq_M], axis=1)  # (B, 4)
print(dp)

# %% [markdown]
# **The tables.** User 3 was looked up in rows 0 and 2 of the batch. What acts in two places
# receives the sum of both:
#
# $$
# dU_r = \sum_{b : u_b = r} dp_b
# $$
#
# The obvious line loses one of them. NumPy reads `dU[users]`, adds, and
# writes back: two writes to row 3, and the last one stays. `np.add.at` adds for each.

# %%
naive = np.zeros_like(U)
naive[users] += dp
dU, dV = np.zeros_like(U), np.zeros_like(V)
np.add.at(dU, users, dp)
np.add.at(dV, items, dq)
print("dp[0] + dp[2]:", dp[0] + dp[2])
print("np.add.at:    ", dU[3])
print("naive:        ", naive[3], " wrong: this is dp[2] alone")

# %% [markdown]
# That was all of it. Now the package's `backward`, six arrays against six:

# %%
from ncf_numpy import BinaryCrossEntropyWithLogits, RowGradient

by_hand = {"user_embedding.W": dU, "item_embedding.W": dV, "dense1.W": dW, "dense1.b": db}
by_hand |= {"output.W": dh, "output.b": dc}

loss = BinaryCrossEntropyWithLogits()
loss.forward(model.forward(users, items), labels)
model.backward(loss.backward())
for name, _, gradient in model.parameters():
    if isinstance(gradient, RowGradient):  # a table's gradient holds only the rows of the batch
        gradient = gradient.to_dense()
    difference = np.abs(gradient - by_hand[name]).max()
    assert difference < 1e-12, name
    print(f"{name:18}{gradient.shape!s:8} by hand to 1e-12")

# %% [markdown]
# ## 4. Is the gradient right?
#
# Two computations that agree can share one misunderstanding. A derivative can be checked against
# its definition: move a weight a little to both sides, and see what the loss does.
#
# $$
# \frac{\partial L}{\partial w} \approx \frac{L(w + \epsilon) - L(w - \epsilon)}{2 \epsilon}
# $$


# %%
def loss_now():
    return loss.forward(model.forward(users, items), labels)


epsilon, w = 1e-5, h[0, 0]
h[0, 0] = w + epsilon
above = loss_now()
h[0, 0] = w - epsilon
below = loss_now()
h[0, 0] = w
print(f"difference quotient: {(above - below) / (2 * epsilon):.9f}")
print(f"dh[0, 0]:            {dh[0, 0]:.9f}")

# %% [markdown]
# `check_gradients` does so for every entry of every array. `rel_error` is the largest relative
# difference; 1e-6 is let pass. (`kinks`: an $\epsilon$ that carries a ReLU's input across 0
# measures a mixture of two derivatives, and is left out. `order`: a second test, for which 2.00 is
# right.)

# %%
from ncf_numpy import check_gradients

check_gradients(model, loss, users, items, labels)

# %% [markdown]
# Why $\epsilon = 10^{-5}$? A large step measures curvature along with the derivative, a small one
# the rounding of $L$. In float64 there is room between the two. In float32, in which one trains,
# there is none: at no step does the worst entry come below the tolerance, the dotted line across.
# So one trains in float32 and checks in float64.

# %%
from ncf_numpy import plots
from ncf_numpy.learn.step_error import STEPS, measure

errors = {
    "float64": measure(small_model(np.float64), loss, users, items, labels)["worst"],
    "float32": measure(small_model(np.float32), loss, users, items, labels)["worst"],
}
plots.error_against_step(STEPS, errors, label="relative error of the worst entry")

# %% [markdown]
# **Does the check find a bug?** The package can exchange one line of its own source for a wrong
# one. We plant the naive `dU[users] += dp` of above. Nothing crashes, and no shape is wrong:

# %%
from ncf_numpy import GradientError
from ncf_numpy.learn.bugs import BUGS, planted

with planted(BUGS["dropped-repeats"]):
    try:
        check_gradients(model, loss, users, items, labels)
        print("not found")
    except GradientError as error:
        print(error)

# %% [markdown]
# Just the two tables, and in them just the repeated rows, user 3 and item 2. On a batch without
# repeats the same check would pass: a check is as good as the batch it is made on.

# %% [markdown]
# ## 5. One step, and two hundred
#
# A training step is five lines. Forward and backward only compute; weights change in the last
# line and nowhere else.

# %%
from ncf_numpy import Adam

model, optimizer = small_model(), Adam(lr=0.01)
for step in range(201):
    logits = model.forward(users, items)  # (B,)
    value = loss.forward(logits, labels)  # a number
    dlogits = loss.backward()  # (B,)
    model.backward(dlogits)
    optimizer.step(model.parameters())
    if step % 50 == 0:
        print(f"step {step:3}  loss {value:.4f}")
print("y_hat: ", model.predict(users, items), "  labels:", labels)

# %% [markdown]
# The model overfits its three pairs. To see those five lines at work, put `breakpoint()` before
# `model.backward(dlogits)` and type `step`: you are in `NeuMF.backward`, whose lines you have
# just written.

# %% [markdown]
# ## 6. Training
#
# Now on real sizes, and with rivals: GMF alone, MLP alone, and NeuMF. `fit` runs the five lines
# over all pairs, epoch after epoch. After each it ranks the validation artists, and at the end
# the model has the weights of the epoch that did this best. (Its optimizer is RowAdam: Adam's
# numbers, at the cost of the rows that a batch reads.)

# %%
from ncf_numpy import GMF, MLP, fit

sizes = plays.n_users, plays.n_items
tower = (64, 32, 16, 8)
make = {
    "gmf": lambda rng: GMF(*sizes, 8, rng),
    "mlp": lambda rng: MLP(*sizes, tower, rng),
    "neumf": lambda rng: NeuMF(*sizes, 8, tower, rng),
}
models, histories = {}, {}
for name in make:
    rng = np.random.default_rng(0)
    models[name] = make[name](rng)
    histories[name] = fit(models[name], split, rng, epochs=20)

# %%
plots.training_curves(histories)

# %% [markdown]
# Read the left panel beside the others. The training loss falls to the last epoch. But MLP and
# NeuMF stop getting better at artists they have not seen some epochs before: from there on they
# overfit, as our small model did. That is why the validation artists,
# and not the loss, choose the epoch (the ring).

# %% [markdown]
# ## 7. Is it any good?
#
# The share of listeners whose held-out artist comes among the first ten of a hundred is HR@10,
# the *hit ratio*. NDCG@10 also asks how far up. Guessing reaches 0.10. Two rivals that learn no
# weights:
#
# - **popularity** recommends to every user what most users have;
# - **item-kNN** counts which artists occur together. It is thirty lines, and it is hard to beat.
#
# A neural recommender should be compared with both of them, well tuned. All five models have seen
# the same pairs here, and the test artists are used now for the first time.

# %%
from ncf_numpy import ItemKNN, Popularity, evaluate

models["popularity"] = Popularity().fit(split.train)
models["itemknn"] = ItemKNN(neighbours=400, shrink=10).fit(split.train)


def scores(scorer):
    result = evaluate(scorer, split.test)
    return {"HR@10": result.hr, "NDCG@10": result.ndcg}


order = ["popularity", "itemknn", "gmf", "mlp", "neumf"]
table = pd.DataFrame({name: scores(models[name]) for name in order}).T
plots.comparison_bars(table, best=scores(oracle) if oracle else None)

# %% [markdown]
# Of these five NeuMF ranks best on the synthetic sample. A liking there comes from two matches,
# loud with loud and fast with fast, and such an *exclusive or* is what a dense layer can learn and
# a count cannot. It does not take a network, though: EASE, which is not in the picture, is level
# with NeuMF once the settings of both are chosen (the page of results has the table). The dashed
# line is the best expected score any model can reach: the sample was drawn from known
# probabilities, and it is their order.
#
# On the real Last.fm data item-kNN is as good as NeuMF or better (the README has the table). Both
# are worth knowing. What you have learned here, embeddings, a backward pass, Adam, is the same in
# models that do win.

# %% [markdown]
# ## 8. Recommending
#
# For one listener: score all artists, take out those the listener has, sort. The logit will do,
# since the sigmoid does not change the order. The held-out artist is marked if it is among them.

# %%
neumf = models["neumf"]
everything = np.arange(plays.n_items)
score = neumf.forward(np.full(plays.n_items, listener), everything)  # (n_items,)
score[split.train.items_of(listener)] = -np.inf
for item in np.argsort(-score)[:8]:
    note = "  <- the held-out one" if item == held_out else ""
    print(f"{score[item]:6.2f}  {plays.item_name(item)}{note}")

# %% [markdown]
# And artists that are alike are those whose vectors point the same way:
#
# $$
# \cos(q_i, q_j) = \frac{q_i \cdot q_j}{\lVert q_i \rVert \, \lVert q_j \rVert}
# $$

# %%
Q = neumf.item_embedding.W
Q = Q / np.linalg.norm(Q, axis=1, keepdims=True)  # (n_items, 40)
favourite = np.bincount(plays.items).argmax()
cosine = Q @ Q[favourite]
print(f"like {plays.item_name(favourite)}:")
for item in np.argsort(-cosine)[1:6]:
    print(f"{cosine[item]:6.2f}  {plays.item_name(item)}")

# %% [markdown]
# `Recommender` does all of this with the ids and names of your own data: `fit`, `recommend`,
# `similar_items`, and also `explain`, `fold_in` for new users, `save` and `load`.

# %%
from ncf_numpy import Recommender

recommender = Recommender("neumf", epochs=10).fit(plays)
recommender.recommend(plays.user_ids[listener], k=5)

# %% [markdown]
# ## 9. Your turn
#
# **In this notebook.** Each takes a changed line and a guess beforehand:
#
# 1. Leave `/ B` out of `dz` in section 3. Which of the arrays are now wrong, and by what factor?
# 2. Forget the ReLU's gate: let `da = dphi_M`. Which arrays notice, and which cannot?
# 3. Make a batch without repeats, plant `dropped-repeats` again, and check. Why does it pass?
# 4. Plant `BUGS["second-mean"]` and train: does the loss curve give it away? `print(*BUGS)` lists
#    all 13.
# 5. In section 6 take `negatives=1`, then 10. What happens to the loss, and what to HR@10? May
#    one compare the losses?
# 6. Give `redraw_embeddings` a third argument, 0.01. In which columns of the two tables do the
#    gradients become small, and why only there?

# %% [markdown]
# <details><summary><b>Answers</b></summary>
#
# 1. All six arrays are $B = 3$ times too large: `dz` is the first factor of every chain.
# 2. `dense1.W`, `dense1.b` and the last two columns of both tables notice. `output.W` and
#    `output.b` are computed above the ReLU, and the first two columns of the tables come through
#    the GMF branch.
# 3. Each row of a table then receives one gradient, so there is nothing to lose. A check needs
#    repeated ids.
# 4. No. Only the gradients of the biases are too small, by the factor $1/B$, and Adam divides the
#    scale of a gradient away. `check_gradients` names them at once.
# 5. With $n$ negatives a share of $1/(n + 1)$ of the labels is 1. A model that always predicts just
#    that pays 0.69 a pair for one negative and 0.30 for ten. So the loss falls without anything
#    being learned, and losses must not be compared. HR@10 ranks the same candidates in both cases
#    and can be compared.
# 6. In the first two: `dp_G = dphi_G * q_G` holds a number of the other table, which is now a
#    hundred times smaller. `dp_M` comes back through the weights of the dense layer, which have not
#    changed.
#
# </details>

# %% [markdown]
# **In a terminal,** in a clone of the repository:
#
# - `python -m ncf_numpy exercise` has twelve files with blanks, from one pair by hand to RowAdam,
#   and tells you which blank is wrong and why;
# - `python -m ncf_numpy hunt` plants a bug and lets you find it;
# - `python -m ncf_numpy step --html out.html` makes a page of one training step, number by
#   number;
# - `python -m pdb examples/debug_backward.py` steps through one backward pass.
#
# `docs/explanation/backprop.md` derives every formula of this notebook. Begin to read the code with
# `ncf_numpy/core/layers.py`. It is not long.
