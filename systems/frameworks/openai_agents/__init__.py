"""OpenAI's Agents SDK, as a system of another interpreter."""
