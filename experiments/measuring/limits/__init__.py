"""Enforcing a profile, directly on the kernel's files."""
