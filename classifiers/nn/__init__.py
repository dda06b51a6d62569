"""Recurrent networks from scratch, in NumPy alone: layers, losses, optimizers, and the networks made of them."""
