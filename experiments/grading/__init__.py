"""Right or wrong, without a judge: of what retrieval found, of the prompt that was sent, and of the answer."""
