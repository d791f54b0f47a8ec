"""OpenAI's chat completions: what a request may say, how tools and forms become text and grammars, and the reply."""
