"""Pages with interactive figures that work offline in a browser: one module per page; `frame` is what they share."""
