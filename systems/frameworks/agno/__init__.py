"""Agno, as a system of another interpreter."""
