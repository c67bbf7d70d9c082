"""Rank the whole catalogue for every user: no sampled negatives, and memory for a few users only.

A held-out item that beats 99 sampled items may be far from the first ten of thousands, and the
order of two models can reverse (Krichene & Rendle 2020, KDD). Items of a user's training data are
left out of the ranking: nobody is recommended what they have, and a model scores those highest.
"""

import numpy as np
from tqdm import tqdm

from ..core.layers import check_ids
from ..core.models import MLP, NeuMF
from ..data.sampling import check_count
from .metrics import Evaluation

BLOCK_PAIRS = 2**12  # pairs scored at a time: the activations of a tower stay in cache


def evaluate_catalogue(scorer, holdout, train, k=10, *, mask_train=True, progress=False):
    """Rank the held-out pairs of `holdout` (anything with users and items) among all items.

    -> Evaluation, whose lists are the users': a user's held-out items stand in one list.
    """
    check_count(k, 1, "k")
    options = {"mask_train": mask_train, "progress": progress}
    ranks = rank_in_catalogue(scorer, holdout.users, holdout.items, train, **options)
    lists = np.unique(holdout.users, return_inverse=True)[1]  # (E,)
    return Evaluation.of(ranks, holdout, lists, k, f"all {train.n_items:,}")


def rank_in_catalogue(scorer, users, items, train, *, mask_train=True, progress=False):
    """How many items score at least as high as the pair's: users (E,), items (E,) -> ranks (E,).

    All items of `train` compete but those the user has there (all without mask_train). Ties count
    against the pair. Raises FloatingPointError for a score that is not finite.
    """
    users = check_ids(users, train.n_users, "users")
    items = check_ids(items, train.n_items, "items")
    if len(users) != len(items) or not len(users):
        raise ValueError(f"expected pairs to rank, got {len(users)} users and {len(items)} items")
    catalogue, offsets = Catalogue(scorer, train.n_items), train.offsets
    order = np.argsort(users, kind="stable")  # (E,) the pairs of a user side by side
    distinct, starts = np.unique(users[order], return_index=True)
    ranks = np.empty(len(users), np.intp)
    pairs_of = zip(distinct, np.split(order, starts[1:]))
    for user, pairs in tqdm(pairs_of, "ranking", len(distinct), disable=not progress):
        scores = catalogue.scores(user)  # (n_items,)
        held_out = scores[items[pairs]]  # (P,)
        competes = np.ones(train.n_items, bool)
        if mask_train:
            competes[train.items[offsets[user] : offsets[user + 1]]] = False
        below = np.searchsorted(np.sort(scores[competes]), held_out, side="left")  # (P,)
        ranks[pairs] = competes.sum() - below - competes[items[pairs]]  # but the pair itself
    return ranks


class Catalogue:
    """Scores every item for a user.

    For MLP and NeuMF the first layer of the tower, most of the work, is split: with W = [W_p ; W_q]

        [p_u ; q_i] W + b = p_u W_p + (q_i W_q + b),

    and both parts are computed once for each user and item, not for each pair. Scores are then
    logits; any other scorer's are those of its `predict`.
    """

    def __init__(self, scorer, n_items):
        self.scorer, self.n_items = scorer, n_items
        self.is_split = isinstance(scorer, (MLP, NeuMF)) and len(scorer.tower) > 0
        if self.is_split:
            D = scorer.widths[0] // 2
            p, q = scorer.user_embedding.W, scorer.item_embedding.W  # (n, K + D) each
            self.K = p.shape[1] - D  # 0 for MLP
            first, _ = scorer.tower[0]
            self.user_part = p[:, self.K :] @ first.W[:D]  # (n_users, n_1)
            self.item_part = q[:, self.K :] @ first.W[D:] + first.b  # (n_items, n_1)

    def scores(self, user):
        """user, an index -> scores (n_items,)."""
        score = self._tower_scores if self.is_split else self._predicted
        blocks = np.split(np.arange(self.n_items), range(BLOCK_PAIRS, self.n_items, BLOCK_PAIRS))
        scores = np.concatenate([score(user, items) for items in blocks])
        if scores.shape != (self.n_items,) or not np.isfinite(scores).all():
            name = type(self.scorer).__name__
            raise FloatingPointError(f"{name}: scores of user {user} are not all finite numbers")
        return scores

    def _predicted(self, user, items):
        return self.scorer.predict(np.full(len(items), user), items)

    def _tower_scores(self, user, items):
        model, K = self.scorer, self.K
        alpha = getattr(model, "branch_weight", None)
        phi_M = np.maximum(self.user_part[user] + self.item_part[items], 0)  # (B, n_1)
        for dense, _ in model.tower[1:]:
            phi_M = np.maximum(phi_M @ dense.W + dense.b, 0)  # (B, n_in) -> (B, n_out)
        p_G, q_G = model.user_embedding.W[user, :K], model.item_embedding.W[items, :K]
        h_G, h_M = model.output.W[:K, 0], model.output.W[K:, 0]  # (K,), (L,)
        if alpha is not None:
            h_G, h_M = alpha * h_G, (1 - alpha) * h_M
        return q_G @ (p_G * h_G) + phi_M @ h_M + model.output.b  # (B,)
