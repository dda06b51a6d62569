"""Train a recurrent network to tell joy from sadness, with NumPy alone and every gradient written by hand.

    python examples/rnn_from_scratch.py

The phrases come in pairs of the same words in another order: "i feel happy and not sad", "i feel sad and not happy".
Counting words cannot tell the two apart. A recurrent network can, because it reads one word after the other and keeps
a state that depends on everything it has read so far.

Each word has a vector. One recurrent layer reads these vectors, a second one reads the states of the first, and the
mean and the maximum of the second layer's states give the answer. The network reads one phrase at a time.

The gradient of the loss with respect to an array is called `d` and the array's name, and has the shape of the array.
"""

from pathlib import Path

import numpy as np

PHRASES = Path(__file__).parents[1] / "classifiers" / "data" / "builtin.tsv"
LABELS = ["joy", "sadness"]
VECTOR, UNITS = 8, 16  # how many numbers stand for a word, and how many are the state of a layer
EPOCHS, RATE = 30, 0.05  # how often every phrase is seen, and how far each one moves the weights


def read_phrases(split):
    """Return the phrases of a split, "train" or "test", each with the number of its label."""
    rows = [line.split("\t") for line in PHRASES.read_text(encoding="utf-8").splitlines()]
    return [(text, LABELS.index(label)) for part, text, label in rows if part == split]


def initial_weights(words, rng):
    """Return the weights before training: random, and smaller where more of them are added up."""

    def matrix(rows, columns):
        return rng.normal(0, 1 / np.sqrt(rows), (rows, columns))

    weights = {"E": rng.normal(0, 0.3, (words, VECTOR))}  # the vector of each word
    weights |= {"W1": matrix(VECTOR, UNITS), "U1": matrix(UNITS, UNITS), "b1": np.zeros(UNITS)}  # the first layer
    weights |= {"W2": matrix(UNITS, UNITS), "U2": matrix(UNITS, UNITS), "b2": np.zeros(UNITS)}  # the second layer
    return weights | {"V": matrix(2 * UNITS, len(LABELS)), "c": np.zeros(len(LABELS))}  # the answer


def rnn(x, W, U, b):
    """Return the states (steps, units) of a layer that reads x (steps, features): h_t = tanh(x_t W + h_{t-1} U + b)."""
    h, states = np.zeros(len(b)), []
    for x_t in x:
        h = np.tanh(x_t @ W + h @ U + b)
        states.append(h)
    return np.array(states)


def rnn_backward(dh, x, h, W, U):
    """Return dx, dW, dU and db by back-propagation through time.

    A state reaches the loss in two ways: through the layers above, which is what `dh` holds, and through the state of
    the next step. So the steps are taken from the last to the first, and each hands its share to the one before it.
    With a_t for what the tanh is taken of, da_t = (dh_t + da_{t+1} Uᵀ) (1 - h_t²), where 1 - h_t² is the tanh's slope.
    """
    da = np.zeros_like(h)
    from_next = np.zeros(len(U))
    for t in reversed(range(len(h))):
        da[t] = (dh[t] + from_next) * (1 - h[t] ** 2)
        from_next = da[t] @ U.T
    return da @ W.T, x.T @ da, h[:-1].T @ da[1:], da.sum(axis=0)


def forward(weights, ids):
    """Return the probability of each label for a phrase, given by the numbers of its words, and what led to it."""
    x = weights["E"][ids]
    h1 = rnn(x, weights["W1"], weights["U1"], weights["b1"])
    h2 = rnn(h1, weights["W2"], weights["U2"], weights["b2"])
    pooled = np.concatenate([h2.mean(axis=0), h2.max(axis=0)])
    scores = np.exp(pooled @ weights["V"] + weights["c"])
    return scores / scores.sum(), (x, h1, h2, pooled)


def backward(weights, ids, label, probabilities, arrays):
    """Return the gradients of the loss, -log(probability of the right label), for all weights."""
    x, h1, h2, pooled = arrays
    d = {"E": np.zeros_like(weights["E"])}
    d["c"] = probabilities - np.eye(len(LABELS))[label]
    d["V"] = np.outer(pooled, d["c"])
    d_mean, d_max = np.split(weights["V"] @ d["c"], 2)
    dh2 = np.tile(d_mean / len(h2), (len(h2), 1))  # all steps share alike in the mean
    dh2[h2.argmax(axis=0), np.arange(len(d_max))] += d_max  # in a maximum, only the step that has it counts
    dh1, d["W2"], d["U2"], d["b2"] = rnn_backward(dh2, h1, h2, weights["W2"], weights["U2"])
    dx, d["W1"], d["U1"], d["b1"] = rnn_backward(dh1, x, h1, weights["W1"], weights["U1"])
    np.add.at(d["E"], ids, dx)  # the gradients of a word that occurs twice add up
    return d


def main():
    """Train on the phrases of "train", then answer those of "test" too, which the network has never seen."""
    train, test = read_phrases("train"), read_phrases("test")
    words = sorted({word for text, _ in train for word in text.split()})
    ids_of = {text: [words.index(word) for word in text.split()] for text, _ in train + test}
    rng = np.random.default_rng(0)
    weights = initial_weights(len(words), rng)

    for epoch in range(1, EPOCHS + 1):
        loss = 0
        for text, label in [train[row] for row in rng.permutation(len(train))]:
            probabilities, arrays = forward(weights, ids_of[text])
            loss -= np.log(probabilities[label]) / len(train)
            for name, gradient in backward(weights, ids_of[text], label, probabilities, arrays).items():
                weights[name] -= RATE * gradient
        if epoch % 5 == 0:
            print(f"epoch {epoch:2}: loss {loss:.4f}")

    for split, phrases in {"train": train, "test": test}.items():
        answers = [(text, label, forward(weights, ids_of[text])[0]) for text, label in phrases]
        right = sum(probabilities.argmax() == label for _, label, probabilities in answers)
        print(f"{split}: {right} of {len(phrases)} phrases right, such as")
        for text, _, probabilities in answers[:4]:
            print(f"  {text}: {LABELS[probabilities.argmax()]}, {probabilities.max():.1%}")


if __name__ == "__main__":
    main()
