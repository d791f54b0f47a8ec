"""One turn, put together from mechanisms as settings say: what the asynchronous and the tiered agent share."""
