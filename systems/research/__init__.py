"""An agent that researches a question: topics, then sources, memory, relevance and analysis at once, then an answer."""
