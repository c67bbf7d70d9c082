"""MF, GMF, MLP and NeuMF as plain PyTorch modules: the forward of models.py, autograd's backward.

    logits = module(users, items)                # (B,), (B,) integer tensors -> (B,)

This file needs nothing but torch, so it can be copied to wherever a model is to run. Parameters
have the names of models.py: W is `weight` (of a Linear the transpose, as PyTorch has it), b `bias`.
`ncf_numpy.export` carries the weights across.
"""

import itertools
from collections import OrderedDict

import torch
from torch import nn


class MF(nn.Module):
    """logit = p_u . q_i + b_u + b_i + b. Rows are [p_u ; b_u] and [q_i ; b_i], K + 1 wide."""

    def __init__(self, n_users, n_items, n_factors):
        super().__init__()
        self.user_embedding = nn.Embedding(n_users, n_factors + 1)
        self.item_embedding = nn.Embedding(n_items, n_factors + 1)
        self.output = Bias()

    def forward(self, users, items):
        user, item = self.user_embedding(users), self.item_embedding(items)  # (B, K + 1) each
        inner = (user[:, :-1] * item[:, :-1]).sum(dim=1)  # (B,)
        return self.output(inner + user[:, -1] + item[:, -1])  # (B,)


class GMF(nn.Module):
    """logit = h^T (p_u * q_i) + b; rows are K wide."""

    def __init__(self, n_users, n_items, n_factors):
        super().__init__()
        self.user_embedding = nn.Embedding(n_users, n_factors)
        self.item_embedding = nn.Embedding(n_items, n_factors)
        self.output = nn.Linear(n_factors, 1)

    def forward(self, users, items):
        phi = self.user_embedding(users) * self.item_embedding(items)  # (B, K)
        return self.output(phi)[:, 0]  # (B, 1) -> (B,)


class MLP(nn.Module):
    """logit = h^T tower([p_u ; q_i]) + b; rows are layers[0] / 2 wide."""

    def __init__(self, n_users, n_items, layers):
        super().__init__()
        self.user_embedding = nn.Embedding(n_users, layers[0] // 2)
        self.item_embedding = nn.Embedding(n_items, layers[0] // 2)
        self.tower = make_tower(layers)
        self.output = nn.Linear(layers[-1], 1)

    def forward(self, users, items):
        z = torch.cat([self.user_embedding(users), self.item_embedding(items)], dim=1)  # (B, 2D)
        return self.output(self.tower(z))[:, 0]  # (B, 1) -> (B,)


class NeuMF(nn.Module):
    """logit = h^T [p_G * q_G ; tower([p_M ; q_M])] + b. Rows are [p_G ; p_M] and [q_G ; q_M].

    n_factors is the width of p_G and q_G. With a branch_weight alpha the output layer sees
    [alpha phi_GMF ; (1 - alpha) phi_MLP]. Neither is a weight, so neither is in the state_dict.
    """

    def __init__(self, n_users, n_items, n_factors, layers, branch_weight=None):
        super().__init__()
        self.n_factors, self.branch_weight = n_factors, branch_weight
        width = n_factors + layers[0] // 2
        self.user_embedding = nn.Embedding(n_users, width)
        self.item_embedding = nn.Embedding(n_items, width)
        self.tower = make_tower(layers)
        self.output = nn.Linear(n_factors + layers[-1], 1)

    def forward(self, users, items):
        K, alpha = self.n_factors, self.branch_weight
        p, q = self.user_embedding(users), self.item_embedding(items)  # (B, K + D) each
        phi_G = p[:, :K] * q[:, :K]  # (B, K)
        phi_M = self.tower(torch.cat([p[:, K:], q[:, K:]], dim=1))  # (B, 2D) -> (B, L)
        if alpha is not None:
            phi_G, phi_M = alpha * phi_G, (1 - alpha) * phi_M  # (B, K), (B, L)
        return self.output(torch.cat([phi_G, phi_M], dim=1))[:, 0]  # (B, 1) -> (B,)

    def extra_repr(self):
        return f"n_factors={self.n_factors}, branch_weight={self.branch_weight}"


class Bias(nn.Module):
    """y = x + b with one number b."""

    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x + self.bias


def make_tower(layers):
    """dense1, relu1, dense2, ...: from layers[0] to layers[1], from there to layers[2], and on."""
    tower = OrderedDict()
    for number, (n_in, n_out) in enumerate(itertools.pairwise(layers), start=1):
        tower[f"dense{number}"] = nn.Linear(n_in, n_out)
        tower[f"relu{number}"] = nn.ReLU()
    return nn.Sequential(tower)
