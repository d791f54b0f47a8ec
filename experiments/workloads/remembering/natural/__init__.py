"""Conversations as people hold them: facts told at length, in passing, by pronoun, twice, or put right later."""
