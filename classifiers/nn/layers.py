"""Neural network layers from scratch in NumPy, forward and backward by hand.

One convention holds throughout: **a sequence array is (time, batch, features)**, so that the slice of one time
step is contiguous; `lengths` (batch,) says how many steps of each column are real, and the padding stands at the
right. Because a recurrence only looks back, it needs no mask: what it computes over the padding comes after all
that counts, is read by nobody (`MeanMaxPooling` leaves it out, `Bidirectional` turns each sequence within its own
length) and so receives a gradient of zero.

Every layer is called as `y = layer.forward(x, lengths, training)` and answers `dx = layer.backward(dy)` for the
last forward pass; `params` and `grads` hold its arrays under the same names, and `leaves` yields the layers that
have any. Where few rows of an array have a gradient other than zero, `touched` names those rows. Weights have Keras'
names and layout, so that the two can be exchanged and compared. Notation: d·/d· of the loss is written `d...`, e.g.
`dx`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""float32 for speed, float64 for gradient checks; integers for token numbers and lengths."""

Seed: TypeAlias = "np.random.Generator | None"
"""Where initial weights come from; None leaves them unset, for a network whose weights are loaded."""


class Layer:
    """Something with a forward and a backward pass; this one does nothing to its input."""

    def __init__(self) -> None:
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self.touched: dict[str, Array] = {}

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """The layer's output; what `backward` will need is kept on the layer."""
        del lengths, training
        return x

    def backward(self, dy: Array) -> Array:
        """Fill `grads` from the loss gradient of the last output and return that of its input."""
        return dy

    def leaves(self) -> Iterator[tuple[str, Layer]]:
        """The layers that hold parameters, each with its name within this one: itself, or its parts."""
        if self.params:
            yield "", self


class Embedding(Layer):
    """A learned vector for every token number: (time, batch) integers to (time, batch, size)."""

    def __init__(self, vocabulary: int, size: int, rng: Seed) -> None:
        super().__init__()
        # Ten times Keras' default range: measured on GoEmotions, words that start apart learn faster and better.
        self.params["embeddings"] = uniform(rng, 0.5, vocabulary, size)

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Look every number up."""
        del lengths, training
        self._ids = x
        return self.params["embeddings"][x]

    def backward(self, dy: Array) -> Array:
        """Sum the gradients of equal tokens; numbers have no gradient, so an empty array comes back."""
        table = self.params["embeddings"]
        ids = self._ids.ravel()
        # Sorted, equal tokens stand together, and one vectorised reduction sums their rows. It takes its time for each
        # sum, however short, so the many tokens that stand there once go round it.
        order = np.argsort(ids, kind="stable")
        rows = dy.reshape(-1, table.shape[1])[order]
        numbers, starts, counts = np.unique(ids[order], return_index=True, return_counts=True)
        often = counts > 1
        sums = rows[starts]
        sums[often] = np.add.reduceat(rows[np.repeat(often, counts)], np.cumsum(counts[often]) - counts[often])
        # The table is large and the rows are few, so the last gradient's zeros are used again.
        gradient = self.grads.get("embeddings")
        if gradient is None or gradient.dtype != table.dtype:
            gradient = np.zeros_like(table)
        else:
            gradient[self.touched["embeddings"]] = 0
        gradient[numbers] = sums
        self.grads["embeddings"], self.touched["embeddings"] = gradient, numbers
        return np.empty(0, dtype=dy.dtype)


class RNN(Layer):
    """Elman's tanh recurrence: h_t = tanh(x_t W + h_{t-1} U + b), h_0 = 0.

    Elman, "Finding Structure in Time" (1990); back-propagation through time after Werbos (1990):
    da_t = (dh_t + da_{t+1} Uᵀ) ∘ (1 - h_t²). Input (time, batch, features), output (time, batch, units).
    """

    def __init__(self, features: int, units: int, rng: Seed) -> None:
        super().__init__()
        self.params = {
            "kernel": glorot_uniform(rng, features, units),
            "recurrent_kernel": orthogonal(rng, units, units),
            "bias": np.zeros(units, dtype=np.float32),
        }

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """All hidden states; the inputs of all steps go through one matrix product."""
        del lengths, training
        recurrent = self.params["recurrent_kernel"]
        hidden = _project(x, self.params["kernel"], self.params["bias"])
        np.tanh(hidden[0], out=hidden[0])
        for before, now in pairwise(hidden):
            now += before @ recurrent
            np.tanh(now, out=now)
        self._x, self._hidden = x, hidden
        return hidden

    def backward(self, dy: Array) -> Array:
        """Walk the steps backwards; the gradient of step t reaches step t-1 through the transposed U."""
        x, hidden = self._x, self._hidden
        recurrent_t = np.ascontiguousarray(self.params["recurrent_kernel"].T)  # each step multiplies by it
        da = np.square(hidden)
        np.subtract(1, da, out=da)  # the slope of tanh; each step of it is then multiplied by what reaches that step
        da[-1] *= dy[-1]
        for t in range(len(da) - 2, -1, -1):
            reaching = da[t + 1] @ recurrent_t
            reaching += dy[t]
            da[t] *= reaching
        self.grads["recurrent_kernel"] = _outer_sum(hidden[:-1], da[1:])
        return _project_backward(self, x, da)


class LSTM(Layer):
    """Long short-term memory, Hochreiter and Schmidhuber (1997), with the forget gate of Gers and others (2000).

    With z_t = x_t W + h_{t-1} U + b cut into four parts in Keras' order i, f, g, o:
    c_t = σ(f) ∘ c_{t-1} + σ(i) ∘ tanh(g),  h_t = σ(o) ∘ tanh(c_t),  h_0 = c_0 = 0.
    The backward pass follows Greff and others, "LSTM: A Search Space Odyssey" (2017), appendix B, without
    peepholes. Input (time, batch, features), output (time, batch, units).
    """

    def __init__(self, features: int, units: int, rng: Seed) -> None:
        super().__init__()
        bias = np.zeros(4 * units, dtype=np.float32)
        bias[units : 2 * units] = 1  # an open forget gate at the start: Jozefowicz and others (2015)
        self.params = {
            "kernel": glorot_uniform(rng, features, 4 * units),
            "recurrent_kernel": orthogonal(rng, units, 4 * units),
            "bias": bias,
        }

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """All hidden states; the inputs of all steps and gates go through one matrix product."""
        del lengths, training
        recurrent = self.params["recurrent_kernel"]
        units = len(recurrent)
        gates = _project(x, self.params["kernel"], self.params["bias"])
        # σ(z) = (1 + tanh(z / 2)) / 2: with the right factors, one tanh over all four gates serves the three sigmoids.
        factors = np.full_like(gates[0], 0.5)
        factors[:, 2 * units : 3 * units] = 1
        rest = 1 - factors
        hidden = np.empty((*gates.shape[:2], units), gates.dtype)
        cells, squashed = np.empty_like(hidden), np.empty_like(hidden)
        # For a single message, half of a step's time is that of calling NumPy: it is least with views that come from
        # zip, outputs given by position and np.dot.
        add, multiply, tanh, dot = np.add, np.multiply, np.tanh, np.dot
        last_h = last_c = None
        steps = zip(gates, *_parts(gates, 4), cells, squashed, hidden, strict=True)
        for z, i, f, g, o, c, tanh_c, h in steps:
            if last_h is not None:
                add(z, dot(last_h, recurrent), z)
            multiply(z, factors, z)
            tanh(z, z)
            multiply(z, factors, z)
            add(z, rest, z)
            multiply(i, g, c)
            if last_c is not None:
                add(c, multiply(f, last_c), c)
            tanh(c, tanh_c)
            multiply(o, tanh_c, h)
            last_h, last_c = h, c
        self._x, self._gates, self._cells, self._squashed, self._hidden = x, gates, cells, squashed, hidden
        return hidden

    def backward(self, dy: Array) -> Array:
        """Walk the steps backwards, carrying the gradients of the hidden state and of the cell."""
        x, hidden, cells, squashed = self._x, self._hidden, self._cells, self._squashed
        recurrent_t = np.ascontiguousarray(self.params["recurrent_kernel"].T)  # each step multiplies by it
        i, f, g, o = _parts(self._gates, 4)
        dz = self._gates - np.square(self._gates)  # σ' = σ (1 - σ); each step is then multiplied by its gradients
        di, df, dg, do = _parts(dz, 4)
        np.square(g, out=dg)
        np.subtract(1, dg, out=dg)  # tanh' = 1 - tanh²
        df[0] = 0  # there is no cell before the first step
        dh = np.zeros_like(hidden[0])
        dc = np.zeros_like(hidden[0])
        for t in range(len(dy) - 1, -1, -1):
            dh += dy[t]
            dc += dh * o[t] * (1 - np.square(squashed[t]))
            di[t] *= dc * g[t]
            if t:
                df[t] *= dc * cells[t - 1]
            dg[t] *= dc * i[t]
            do[t] *= dh * squashed[t]
            dh = dz[t] @ recurrent_t
            dc *= f[t]
        self.grads["recurrent_kernel"] = _outer_sum(hidden[:-1], dz[1:])
        return _project_backward(self, x, dz)


class GRU(Layer):
    """Gated recurrent unit, Cho and others (2014), in the form of cuDNN and of Keras' `reset_after=True`.

    With a_t = x_t W + b_0 and s_t = h_{t-1} U + b_1, each cut into three parts in Keras' order z, r, h:
    z = σ(a_z + s_z), r = σ(a_r + s_r), g = tanh(a_h + r ∘ s_h), h_t = z ∘ h_{t-1} + (1 - z) ∘ g, h_0 = 0.
    Cho and others reset the state before its product with U; after it, one product serves all three parts.
    Input (time, batch, features), output (time, batch, units); `bias` is (2, 3 x units).
    """

    def __init__(self, features: int, units: int, rng: Seed) -> None:
        super().__init__()
        self.params = {
            "kernel": glorot_uniform(rng, features, 3 * units),
            "recurrent_kernel": orthogonal(rng, units, 3 * units),
            "bias": np.zeros((2, 3 * units), dtype=np.float32),
        }

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """All hidden states; the inputs of all steps and gates go through one matrix product."""
        del lengths, training
        recurrent, (input_bias, state_bias) = self.params["recurrent_kernel"], self.params["bias"]
        units = len(recurrent)
        gates = _project(x, self.params["kernel"], input_bias)
        z, r, g = _parts(gates, 3)
        hidden = np.empty_like(z, order="C")
        recalled = np.empty_like(hidden)  # s_h, of which the reset gate lets a share through
        for t, a in enumerate(gates):
            s = hidden[t - 1] @ recurrent + state_bias if t else np.broadcast_to(state_bias, a.shape)
            recalled[t] = s[:, 2 * units :]
            both = a[:, : 2 * units]
            both += s[:, : 2 * units]
            both *= 0.5  # σ(z) = (1 + tanh(z / 2)) / 2
            np.tanh(both, out=both)
            both *= 0.5
            both += 0.5
            g[t] += r[t] * recalled[t]
            np.tanh(g[t], out=g[t])
            np.subtract(1, z[t], out=hidden[t])
            hidden[t] *= g[t]
            if t:
                hidden[t] += z[t] * hidden[t - 1]
        self._x, self._gates, self._recalled, self._hidden = x, gates, recalled, hidden
        return hidden

    def backward(self, dy: Array) -> Array:
        """Walk the steps backwards; `ds`, the gradient of s, differs from `da` in the candidate's part alone."""
        x, hidden, recalled = self._x, self._hidden, self._recalled
        recurrent_t = np.ascontiguousarray(self.params["recurrent_kernel"].T)  # each step multiplies by it
        z, r, g = _parts(self._gates, 3)
        da, ds = np.empty_like(self._gates), np.empty_like(self._gates)
        da_z, da_r, da_g = _parts(da, 3)
        *_, ds_g = _parts(ds, 3)
        dh = np.zeros_like(hidden[0])
        for t in range(len(dy) - 1, -1, -1):
            dh += dy[t]
            before = hidden[t - 1] if t else np.zeros_like(dh)
            da_z[t] = dh * (before - g[t]) * z[t] * (1 - z[t])
            da_g[t] = dh * (1 - z[t]) * (1 - np.square(g[t]))
            da_r[t] = da_g[t] * recalled[t] * r[t] * (1 - r[t])
            ds[t] = da[t]
            ds_g[t] *= r[t]
            dh *= z[t]
            dh += ds[t] @ recurrent_t
        self.grads["recurrent_kernel"] = _outer_sum(hidden[:-1], ds[1:])
        dx = _project_backward(self, x, da)
        self.grads["bias"] = np.stack([self.grads["bias"], ds.sum(axis=(0, 1))])
        return dx


class Bidirectional(Layer):
    """One recurrent layer from the left, one from the right, side by side (Schuster and Paliwal, 1997).

    Output (time, batch, 2 x units). The right-to-left layer reads each sequence reversed within its own length.
    """

    def __init__(self, forward_layer: Layer, backward_layer: Layer) -> None:
        super().__init__()
        self.forward_layer = forward_layer
        self.backward_layer = backward_layer

    def leaves(self) -> Iterator[tuple[str, Layer]]:
        """The two directions."""
        yield "forward.", self.forward_layer
        yield "backward.", self.backward_layer

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Both directions' states of every step, each at the place of the token that it has just read."""
        self._turned = _reversal(len(x), lengths)
        ahead = self.forward_layer.forward(x, lengths, training)
        behind = self.backward_layer.forward(x[self._turned], lengths, training)
        return np.concatenate([ahead, behind[self._turned]], axis=2)

    def backward(self, dy: Array) -> Array:
        """The two directions' input gradients add up."""
        ahead, behind = np.split(dy, 2, axis=2)
        dx = self.forward_layer.backward(ahead)
        dx += self.backward_layer.backward(behind[self._turned])[self._turned]
        return dx


class MeanMaxPooling(Layer):
    """Mean and maximum over each sequence's own steps: (time, batch, features) to (batch, 2 x features)."""

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Padding takes no part in either half."""
        del training
        real = np.arange(len(x))[:, None] < lengths
        self._weights = (real / lengths).astype(x.dtype)
        # Adding -inf to the padding is many times faster than np.where, and most batches have none.
        self._real = x if real.all() else x + np.where(real, 0, -np.inf).astype(x.dtype)[..., None]
        self._highest = self._real.max(axis=0)
        return np.concatenate([np.einsum("tbf,tb->bf", x, self._weights), self._highest], axis=1)

    def backward(self, dy: Array) -> Array:
        """The mean shares its gradient out evenly, the maximum gives it all to the winning step, or the tied ones."""
        d_mean, d_max = np.split(dy, 2, axis=1)
        dx: Array = self._weights[..., None] * d_mean
        won = (self._real == self._highest).astype(dy.dtype)
        won *= d_max / won.sum(axis=0)
        dx += won
        return dx


class Dropout(Layer):
    """Inverted dropout, Srivastava and others (2014); on sequences one mask for all steps of a feature.

    The mask shared over time is the variational dropout of Gal and Ghahramani (2016). Active in training only.
    """

    def __init__(self, rate: float, rng: Seed) -> None:
        super().__init__()
        self.rate = rate
        self.rng = rng

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Zero a share `rate` of the features and scale up the rest, so that the expected value stays."""
        del lengths
        if not training or not self.rate:
            self._scale = None
            return x
        if self.rng is None:
            raise ValueError("dropout in training needs a source of randomness")
        kept = self.rng.random(x.shape[-2:], dtype=np.float32) >= self.rate
        self._scale = kept.astype(x.dtype) / (1 - self.rate)
        return x * self._scale

    def backward(self, dy: Array) -> Array:
        """The same features stay silent."""
        return dy if self._scale is None else dy * self._scale


class LayerNorm(Layer):
    """Each step's features brought to mean 0 and deviation 1, then scaled and shifted: (..., features) to the same.

    Ba and others, "Layer Normalization" (2016): y = gamma ∘ n + beta with n = (x - mean(x)) / sqrt(variance(x) + ε).
    The backward pass takes out of dn what would shift or stretch all features alike:
    dx = (dn - mean(dn) - n mean(dn ∘ n)) / sqrt(variance(x) + ε).
    """

    def __init__(self, features: int, epsilon: float = 1e-3) -> None:
        super().__init__()
        self.epsilon = epsilon  # Keras' default
        self.params = {
            "gamma": np.ones(features, dtype=np.float32),
            "beta": np.zeros(features, dtype=np.float32),
        }

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Every step of every sequence by itself, so padding needs no care."""
        del lengths, training
        centred = x - x.mean(axis=-1, keepdims=True)
        self._deviation = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + self.epsilon)
        self._normal = centred / self._deviation
        y: Array = self._normal * self.params["gamma"] + self.params["beta"]
        return y

    def backward(self, dy: Array) -> Array:
        """d_gamma = Σ dy ∘ n, d_beta = Σ dy, both over steps and rows."""
        normal = self._normal
        axes = tuple(range(dy.ndim - 1))
        self.grads = {"gamma": (dy * normal).sum(axis=axes), "beta": dy.sum(axis=axes)}
        dn = dy * self.params["gamma"]
        dx: Array = dn - dn.mean(axis=-1, keepdims=True) - normal * (dn * normal).mean(axis=-1, keepdims=True)
        dx /= self._deviation
        return dx


class Dense(Layer):
    """y = x W + b: (batch, features) to (batch, units)."""

    def __init__(self, features: int, units: int, rng: Seed) -> None:
        super().__init__()
        self.params = {
            "kernel": glorot_uniform(rng, features, units),
            "bias": np.zeros(units, dtype=np.float32),
        }

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """One matrix product."""
        del lengths, training
        self._x = x
        return _project(x, self.params["kernel"], self.params["bias"])

    def backward(self, dy: Array) -> Array:
        """dW = xᵀ dy, db = Σ dy, dx = dy Wᵀ."""
        return _project_backward(self, self._x, dy)


def sigmoid_cross_entropy(logits: Array, targets: Array) -> tuple[float, Array]:
    """Mean binary cross-entropy over rows and labels, and its gradient; both arguments (batch, labels).

    In the form max(z, 0) - z y + log(1 + e^-|z|), which no logit can overflow.
    """
    losses = np.maximum(logits, 0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))
    return float(losses.mean()), (sigmoid(logits) - targets) / logits.size


def softmax_cross_entropy(logits: Array, targets: Array) -> tuple[float, Array]:
    """Mean categorical cross-entropy over rows, and its gradient; both arguments (batch, labels).

    Each row of `targets` is a distribution; -Σ y log softmax(z) by way of log-sum-exp.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-(targets * log_softmax).sum(axis=1).mean()), (np.exp(log_softmax) - targets) / len(logits)


def sigmoid(x: Array) -> Array:
    """1 / (1 + e^-x), by way of tanh, which does not overflow."""
    return (1 + np.tanh(x / 2)) / 2


def uniform(rng: Seed, limit: float, rows: int, columns: int) -> Array:
    """Uniform in ±limit."""
    if rng is None:
        return np.empty((rows, columns), dtype=np.float32)
    return rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)


def glorot_uniform(rng: Seed, rows: int, columns: int) -> Array:
    """Uniform in ±sqrt(6 / (rows + columns)): Glorot and Bengio (2010)."""
    return uniform(rng, math.sqrt(6 / (rows + columns)), rows, columns)


def orthogonal(rng: Seed, rows: int, columns: int) -> Array:
    """Orthonormal rows (columns >= rows), which keep a gradient's norm at the start: Saxe and others (2014)."""
    if rng is None:
        return np.empty((rows, columns), dtype=np.float32)
    q, r = np.linalg.qr(rng.standard_normal((columns, rows)))
    return np.ascontiguousarray((q * np.sign(np.diag(r))).T, dtype=np.float32)


def _project(x: Array, kernel: Array, bias: Array) -> Array:
    """x W + b over the last axis, as one matrix product however many axes stand before it."""
    y = x.reshape(-1, x.shape[-1]) @ kernel
    y += bias
    return y.reshape(*x.shape[:-1], -1)


def _project_backward(layer: Layer, x: Array, dy: Array) -> Array:
    """Gradients of `_project`: kernel and bias into the layer's grads, that of x returned."""
    flat_dy = dy.reshape(-1, dy.shape[-1])
    layer.grads["kernel"] = x.reshape(-1, x.shape[-1]).T @ flat_dy
    layer.grads["bias"] = np.ones(len(flat_dy), flat_dy.dtype) @ flat_dy  # three times as fast as their sum
    return (flat_dy @ layer.params["kernel"].T).reshape(x.shape)


def _parts(array: Array, count: int) -> list[Array]:
    """Views of the gates that stand side by side in the last axis."""
    size = array.shape[-1] // count
    return [array[..., start : start + size] for start in range(0, array.shape[-1], size)]


def _outer_sum(states: Array, gradients: Array) -> Array:
    """Σ over steps and rows of stateᵀ gradient, as one matrix product."""
    return states.reshape(-1, states.shape[-1]).T @ gradients.reshape(-1, gradients.shape[-1])


def _reversal(steps: int, lengths: Array) -> slice | tuple[Array, Array]:
    """The index that runs every sequence backwards within its own length; applied twice, it undoes itself."""
    if (lengths == steps).all():
        return slice(None, None, -1)
    step = np.arange(steps)[:, None]
    return np.where(step < lengths, lengths - 1 - step, step), np.arange(len(lengths))
