"""A reply cache that knows a question by its meaning: what may be served, to whom, and how like it must be."""
