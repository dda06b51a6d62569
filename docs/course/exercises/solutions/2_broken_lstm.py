"""Exercise 2, solved: the line that computes dc_t has to keep what came back from the next step.

    dc_t = dc_t + dh_t * o[t] * (1 - np.tanh(c[t]) ** 2)

A cell reaches the loss in two ways: through its own state, and through the next cell, c_{t+1} = f_{t+1} c_t + ...
Without `dc_t +` the second way was lost. It is the one that LSTMs were invented for: along it the gradient is
multiplied by nothing but the forget gates. For a sequence of one step there is no next cell, so the gradients were
right there.
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
        dc_t = dc_t + dh_t * o[t] * (1 - np.tanh(c[t]) ** 2)
        di = dc_t * g[t] * i[t] * (1 - i[t])
        df = dc_t * c_before * f[t] * (1 - f[t])
        dg = dc_t * i[t] * (1 - g[t] ** 2)
        do = dh_t * np.tanh(c[t]) * o[t] * (1 - o[t])
        dz[t] = np.concatenate([di, df, dg, do])
        dh_t = dz[t] @ U.T
        dc_t = dc_t * f[t]
    return dz @ W.T, x.T @ dz, h[:-1].T @ dz[1:], dz.sum(axis=0)
