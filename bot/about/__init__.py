"""`/about`: version, models and their figures."""
