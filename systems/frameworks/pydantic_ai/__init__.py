"""Pydantic AI, as a system of another interpreter."""
