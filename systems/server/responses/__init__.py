"""OpenAI's responses, made of the same parts as chat completions, and kept here to be gone on from."""
