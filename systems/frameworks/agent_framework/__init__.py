"""agent-framework: Microsoft's Agent Framework, in an interpreter of its own."""
