"""The agent whose conversations lie in tiers."""
