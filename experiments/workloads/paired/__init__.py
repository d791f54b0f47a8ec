"""Pairs of questions that mean the same or nearly, and streams of them: what a semantic cache is measured with."""
