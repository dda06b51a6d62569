"""Reading texts with the classifiers off the event loop, fairly among channels."""
