"""Run the classifiers off the event loop, and let all channels have their turn."""
