"""An endpoint in OpenAI's format that says what was planned, and tells what it was asked; outside the limits."""
