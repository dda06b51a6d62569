"""Exercise 3, solved: a forget gate that holds a letter for forty steps.

The mark opens the input gate, which the bias keeps shut at all other steps. Each letter raises the candidate of its
own unit. The forget gate is wide open, σ(10) = 0.99995, and keeps 0.998 of the cell over forty steps. The output gate
may always be open. Without the mark, the state itself can shut the input gate: b[i] = 10, U[:, i] = -40, and W[mark]
= 0.
"""

import numpy as np


def weights():
    """Return W (5, 16), U (4, 16) and b (16,)."""
    W, U, b = np.zeros((5, 16)), np.zeros((4, 16)), np.zeros(16)
    i, f, g, o = slice(0, 4), slice(4, 8), slice(8, 12), slice(12, 16)
    mark = 4
    W[mark, i] = 20
    b[i] = -10
    b[f] = 10
    W[:4, g] = 10 * np.eye(4)
    b[o] = 10
    return W, U, b
