"""Exercise 4: predict how fast the gradient vanishes, from the recurrent matrix alone.

On its way back through an RNN, the gradient is multiplied at each step by the transpose of U and by the slope of the
tanh. On a logarithmic axis its norm, by steps back, becomes a straight line: for how many powers of ten does it fall
(or rise) in a step? Write `slope`. A slope of -0.1 says that ten steps divide the gradient by ten.

The check draws random matrices U, builds a network of the study with each of them, feeds it inputs so small that the
slope of every tanh is 1, and measures the gradient norm 40 to 100 steps back, as docs/study.md does. Your slopes have
to be right to 0.01:

    python -m classifiers exercise 4

The spectral radius of a matrix is the largest absolute value of its eigenvalues; np.linalg.eigvals returns those.

Once that is solved: with larger inputs, would the line fall faster or more slowly, and why? Chapter 5 of the course,
../5-both-directions.md, has measured it. A solution is in solutions/.
"""

import numpy as np


def slope(U):
    """Return how much log10 of the gradient norm changes with each step back, for a recurrent matrix (units, units)."""
    raise NotImplementedError
