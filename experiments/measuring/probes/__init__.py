"""Instruments: each watches one thing and disturbs the rest as little as it can."""
