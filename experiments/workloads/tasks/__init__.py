"""Conversations with tasks that have one right answer each: support, research, code, and many conversations at once.

Long turns as an agent gets them (complaints, excerpts of sources, files and what tools print) tell values that are
asked for later: three turns later, or long after. docs/density/tasks.md is their datasheet.
"""
