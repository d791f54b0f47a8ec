"""Microsoft's Agent Framework, as a system of another interpreter."""
