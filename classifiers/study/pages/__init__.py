"""Pages with interactive figures that work offline in a browser: one module per page; `page` renders them."""
