"""Figures of what each pattern brings a research agent, and what it loses: one module a part of the study."""
