"""NeuMF as one writes it in PyTorch: four tables, a Sequential tower, logits."""

import torch
from torch import nn


class PyTorchNeuMF(nn.Module):
    """forward: users (B,), items (B,) int64 -> logits (B,). Widths [8f, 4f, 2f, f]."""

    def __init__(self, n_users, n_items, f, *, sparse=False):
        super().__init__()
        self.p_G, self.q_G = (nn.Embedding(n, f, sparse=sparse) for n in (n_users, n_items))
        self.p_M, self.q_M = (nn.Embedding(n, 4 * f, sparse=sparse) for n in (n_users, n_items))
        widths = [8 * f, 4 * f, 2 * f, f]
        tower = [(nn.Linear(a, b), nn.ReLU()) for a, b in zip(widths, widths[1:])]
        self.tower = nn.Sequential(*[layer for pair in tower for layer in pair])
        self.output = nn.Linear(2 * f, 1)
        for table in self.tables():
            nn.init.normal_(table.weight, std=0.01)

    def tables(self):
        return [self.p_G, self.q_G, self.p_M, self.q_M]

    def forward(self, users, items):
        phi_G = self.p_G(users) * self.q_G(items)
        phi_M = self.tower(torch.cat([self.p_M(users), self.q_M(items)], dim=1))
        return self.output(torch.cat([phi_G, phi_M], dim=1))[:, 0]
