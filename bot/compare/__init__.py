"""`/compare`: both models on one text, side by side."""
