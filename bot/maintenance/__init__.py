"""The store kept up to date, and what is due erased."""
