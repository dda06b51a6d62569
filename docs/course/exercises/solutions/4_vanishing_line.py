"""Exercise 4, solved: each step back multiplies the gradient by the spectral radius, in the long run.

Written in the eigenvectors of U, a gradient is multiplied in each step by the eigenvalues. After many steps the part
with the largest of them, by absolute value, has outgrown all others. The largest singular value is no smaller: it is
the most by which one step can stretch a gradient, but the next step finds it turned to another direction.

With larger inputs the slope of the tanh is below 1 and multiplies, too, so the line falls faster.
"""

import numpy as np


def slope(U):
    """Return how much log10 of the gradient norm changes with each step back, for a recurrent matrix (units, units)."""
    spectral_radius = np.abs(np.linalg.eigvals(U)).max()
    return np.log10(spectral_radius)
