"""The pooled agent: a bounded pool of live agents, tiers below it, targets above it; one module a mechanism."""
