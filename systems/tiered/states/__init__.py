"""Ways to keep the successive states of a session, and what they are made of: zstd, its dictionaries, differences."""
