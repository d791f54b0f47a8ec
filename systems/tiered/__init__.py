"""The tiered agent: what it holds lies hot, warm, cold or frozen; one module a mechanism, each can be turned off."""
