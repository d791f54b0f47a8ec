"""A made-up land in short documents, and questions about it: what the research agent ships with, and is graded on.

The documents of one seed lie in ``systems/research/corpus``. docs/research/corpus.md is their datasheet.
"""
