"""The pooled agent: a bounded pool of live agents, tiers below it, and targets it holds itself to; one module a mechanism."""
