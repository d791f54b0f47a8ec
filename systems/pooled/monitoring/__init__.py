"""What the agent measures of itself, what it is held to, and what to try where it misses that."""
