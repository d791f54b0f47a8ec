"""Memory under a limit: reading it, forecasting it, acting before it ends, and giving back what is free."""
