"""Exercise 2: find the bug in a long short-term memory.

Below are the forward and the backward pass of an LSTM, for a single sequence x of (steps, features). The columns of
W, U and b belong to the input gate i, the forget gate f, the candidate g and the output gate o, in this order, and

    c_t = f_t c_{t-1} + i_t g_t
    h_t = o_t tanh(c_t)

One line is wrong. The network would still learn something with it, and that is what makes such bugs hard to notice.
Find the line and fix it:

    python -m classifiers exercise 2

Only one line has to change, and `forward` is right. What the check says about sequences of one step and of two
narrows it down.

Chapter 4 of the course, ../4-lstm-and-gru.md, derives the backward pass. A solution is in solutions/.
"""

import numpy as np


def sigmoid(z):
    """Return 1 / (1 + e^-z)."""
    return 1 / (1 + np.exp(-z))


def forward(x, W, U, b):
    """Return the states h and c and the gates i, f, g and o of all steps, each (steps, units)."""
    steps, units = len(x), len(U)
    h, c, i, f, g, o = np.zeros((6, steps, units))
    for t in range(steps):
        h_before = h[t - 1] if t > 0 else np.zeros(units)
        c_before = c[t - 1] if t > 0 else np.zeros(units)
        z = np.split(x[t] @ W + h_before @ U + b, 4)
        i[t], f[t], g[t], o[t] = sigmoid(z[0]), sigmoid(z[1]), np.tanh(z[2]), sigmoid(z[3])
        c[t] = f[t] * c_before + i[t] * g[t]
        h[t] = o[t] * np.tanh(c[t])
    return h, c, i, f, g, o


def backward(dh, x, h, c, i, f, g, o, W, U):
    """Return the gradients of x, W, U and b from dh, the gradient of the states through the layers above."""
    steps, units = h.shape
    dz = np.zeros((steps, 4 * units))
    dh_t = np.zeros(units)  # of the state and the cell of step t, as far as they are known
    dc_t = np.zeros(units)
    for t in reversed(range(steps)):
        c_before = c[t - 1] if t > 0 else np.zeros(units)
        dh_t = dh_t + dh[t]
        dc_t = dh_t * o[t] * (1 - np.tanh(c[t]) ** 2)
        di = dc_t * g[t] * i[t] * (1 - i[t])
        df = dc_t * c_before * f[t] * (1 - f[t])
        dg = dc_t * i[t] * (1 - g[t] ** 2)
        do = dh_t * np.tanh(c[t]) * o[t] * (1 - o[t])
        dz[t] = np.concatenate([di, df, dg, do])
        dh_t = dz[t] @ U.T
        dc_t = dc_t * f[t]
    return dz @ W.T, x.T @ dz, h[:-1].T @ dz[1:], dz.sum(axis=0)
