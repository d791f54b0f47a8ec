"""Figures of what frameworks cost: one module a part of the study, and one of cost, memory and what is remembered."""
