"""Exercise 1, solved: the backward pass of a recurrent layer.

da is the gradient of the tanh's input. A state reaches the loss through the layers above (dh[t]) and through the next
state (from_next). The tanh multiplies both by its slope, 1 - h². All steps use the same W, U and b, so their gradients
are sums over the steps, and over the batch as well.
"""

import numpy as np


def backward(dh, x, h, W, U):
    """Return dx, dW, dU and db, which have the shapes of x, W, U and b."""
    dx, dW, dU, db = np.zeros_like(x), np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
    from_next = np.zeros_like(h[0])
    for t in reversed(range(len(h))):
        da = (dh[t] + from_next) * (1 - h[t] ** 2)
        dx[t] = da @ W.T
        dW += x[t].T @ da
        if t > 0:
            dU += h[t - 1].T @ da
        db += da.sum(axis=0)
        from_next = da @ U.T
    return dx, dW, dU, db
