"""`/compare`: how several models read the same text, side by side."""
