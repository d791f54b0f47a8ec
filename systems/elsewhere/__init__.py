"""Systems that run in an interpreter of their own: what is on either side of the pipe between it and the lab."""
