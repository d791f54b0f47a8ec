"""crewai: a conversational flow of CrewAI's, in an interpreter of its own."""
