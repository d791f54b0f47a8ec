"""Makes the reader: a small model that reads facts in its prompt and answers, or says that it does not know."""
