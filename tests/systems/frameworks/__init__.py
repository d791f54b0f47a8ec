"""Frameworks as systems: their folders, their interpreters, their adapters."""
