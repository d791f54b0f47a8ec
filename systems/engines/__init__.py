"""What generates text: one interface, one module an engine."""
