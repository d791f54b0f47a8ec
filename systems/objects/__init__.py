"""A naive twin: one process and one engine for all agents, and everything they keep in Python objects."""
