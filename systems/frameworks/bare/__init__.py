"""A bare client, with nothing but the standard library: the floor under every framework."""
