"""Figures of how many agents fit, and of what each mechanism saves: one module a part of the study."""
