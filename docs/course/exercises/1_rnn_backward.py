"""Exercise 1: write the backward pass of a recurrent layer.

The layer reads a batch of sequences, x of (steps, batch, features), and returns its states h of (steps, batch,
units):

    h_t = tanh(x_t W + h_{t-1} U + b)

`forward` below computes them. Write `backward`. It is given dh, the gradient of the loss with respect to each state
through the layers above, and has to return the gradients of x, W, U and b. A state also reaches the loss through the
next state, so go from the last step to the first. Then check it:

    python -m classifiers exercise 1

Chapter 3 of the course, ../3-backpropagation-through-time.md, derives it. A solution is in solutions/.
"""

import numpy as np


def forward(x, W, U, b):
    """Return the states of all steps."""
    steps, batch, _ = x.shape
    h = np.zeros((steps, batch, len(b)))
    before = np.zeros((batch, len(b)))
    for t in range(steps):
        before = h[t] = np.tanh(x[t] @ W + before @ U + b)
    return h


def backward(dh, x, h, W, U):
    """Return dx, dW, dU and db, which have the shapes of x, W, U and b.

    dh and h are (steps, batch, units), x is (steps, batch, features), W (features, units) and U (units, units).
    """
    raise NotImplementedError
