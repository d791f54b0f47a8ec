"""The tiered agent."""
