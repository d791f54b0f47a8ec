"""A naive twin: each agent a process of its own, with its own interpreter and its own engine."""
