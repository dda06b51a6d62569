"""Exercise 3: make a forget gate hold a letter for forty steps.

A tiny LSTM reads 41 random letters, of which there are four. After the last one it has to say which letter came
first. Nothing is trained: you set the weights by hand. x_t has five numbers: the first four are 1 for the letter of
that step and 0 for the others, and the fifth is a mark, 1 at the first step and 0 at all others. There are four
units, one for each letter. With z_t = x_t W + h_{t-1} U + b, whose 16 columns belong to i, f, g and o, four to each,

    c_t = σ(f) c_{t-1} + σ(i) tanh(g)
    h_t = σ(o) tanh(c_t)

After the last step the unit of the first letter has to be above each other unit by 0.5 or more. Ask of each gate when
it should be open and when shut: σ(-10) is nearly 0, σ(10) nearly 1. The forget gate starts at σ(1) = 0.73 here, as
usual before training, and 0.73 to the power of 40 is 0.000003. Change `weights`, then check it:

    python -m classifiers exercise 3

Was that easy? Then do it without the mark, with the last row of W zero: the network itself can know that it has read
something.

Chapter 4 of the course, ../4-lstm-and-gru.md, explains the gates. A solution is in solutions/.
"""

import numpy as np


def weights():
    """Return W (5, 16), U (4, 16) and b (16,)."""
    W, U, b = np.zeros((5, 16)), np.zeros((4, 16)), np.zeros(16)
    i, f, g, o = slice(0, 4), slice(4, 8), slice(8, 12), slice(12, 16)
    mark = 4
    b[f] = 1
    # What is still to be set? W[mark, i] = 10, for one, would have the mark open the input gate of each unit.
    return W, U, b
