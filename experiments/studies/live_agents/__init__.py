"""How many live agents a machine holds: their conversations, a reading engine, the search, and one probe's process."""
