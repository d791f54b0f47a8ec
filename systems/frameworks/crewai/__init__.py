"""CrewAI, as a system of another interpreter."""
