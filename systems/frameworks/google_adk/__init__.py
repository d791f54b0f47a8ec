"""google-adk: Google's Agent Development Kit, in an interpreter of its own."""
