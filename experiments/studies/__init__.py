"""One module a study: its question, its grid, its measures, and what its roles do."""
