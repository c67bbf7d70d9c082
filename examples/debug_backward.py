"""Step through one backward pass in a debugger. The program is ten lines; here is where to stop.

In an IDE, put a breakpoint on the line `model.backward(dlogits)` and step into it. In a terminal:

    python -m pdb examples/debug_backward.py

and type what follows each (Pdb). `tbreak` sets a breakpoint for one stop, `c` goes on to it, `s`
steps into a call, `r` runs to the end of a function and stops there, where all its names can be
looked at. `ll` lists where you are, `u` goes up to the caller, `q` quits.

    (Pdb) tbreak 55
    (Pdb) c                                  # forward and loss are done, backward is to begin
    (Pdb) p dlogits                          # (6,): (y_hat - y) / 6, negative where the label is 1
    (Pdb) s                                  # into NeuMF.backward: its names are the paper's
    (Pdb) tbreak Dense.backward
    (Pdb) c                                  # the output layer: backward begins where forward ended
    (Pdb) r
    (Pdb) p self.dW.shape                    # (5, 1): h, two weights for GMF and three for the MLP
    (Pdb) p np.allclose(self.dW, self.x.T.dot(dy))
    (Pdb) p np.allclose(self.db, dy.sum(axis=0))
    (Pdb) tbreak ReLU.backward
    (Pdb) c                                  # the top of the tower
    (Pdb) r
    (Pdb) p (self.x > 0).sum(axis=1)         # (6,) how many of the three gates each pair has open
    (Pdb) p np.array_equal(dx, np.where(self.x > 0, dy, 0))
    (Pdb) tbreak Embedding.backward
    (Pdb) c                                  # the items; the tower's other layers lie between
    (Pdb) p self.ids                         # items 2 and 5 occur twice
    (Pdb) r
    (Pdb) p self.dW.rows                     # [0 1 2 5]: the rows that this batch read
    (Pdb) p np.allclose(self.dW.values[2], dy[0] + dy[2])
    (Pdb) u                                  # to NeuMF.backward, which knows both halves of dy
    (Pdb) p dq_G.shape, dq_M.shape           # ((6, 2), (6, 3))
    (Pdb) p np.array_equal(dq_G, dphi_G * self.p_G)
    (Pdb) q

Every line that prints True is a formula of docs/explanation/backprop.md, checked where it happens.
"""

import numpy as np

from ncf_numpy import BinaryCrossEntropyWithLogits, NeuMF
from ncf_numpy.core.gradcheck import redraw_embeddings

rng = np.random.default_rng(0)
users, items = np.array([3, 1, 3, 0, 2, 1]), np.array([2, 5, 2, 1, 5, 0])  # (B,), (B,)
labels = np.array([1, 0, 1, 0, 0, 1])  # (B,)
model = NeuMF(4, 6, 2, (6, 4, 3), rng, dtype=np.float64)
redraw_embeddings(model, rng)
loss = BinaryCrossEntropyWithLogits()

logits = model.forward(users, items)  # (B,)
value = loss.forward(logits, labels)  # float
dlogits = loss.backward()  # (B,)
model.backward(dlogits)
print(f"loss {value:.4f}, gradients of {len(model.parameters())} arrays")
