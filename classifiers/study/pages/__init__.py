"""Pages of pictures to explore in a browser, offline: each module draws one, and `frame` is what they share."""
