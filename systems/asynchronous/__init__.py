"""The optimized asynchronous agent: one module a mechanism, each of which a setting can turn off."""
