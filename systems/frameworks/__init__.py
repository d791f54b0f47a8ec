"""Frameworks that people use, as systems: a folder each, run by an interpreter of its own that a command makes."""
