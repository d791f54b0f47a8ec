"""Levels of conditions, and names of subjects, that the parts `saving` and `summaries` and their trials share."""

from __future__ import annotations

LISTED = "thread-listed"
"""The subject that saves as it is listed."""

SUMMED_UP = "summary"
"""The case of a conversation that is summed up while it is saved."""

UNTIMED, TIMED, INFERENCE, OWN_WORDS = "no model", "timed", "inference", "own words"
"""The kinds of work of the part `summaries`."""

SHORTENED = 100
"""So many times shorter than stated is everything that takes time in the work ``timed``."""

LAST_MESSAGES = 10
"""How many messages ``last-n`` has in a prompt: as many as a summary is made of."""
