"""What a turn is made of: its prompt, the history, commands, and what is read of the surroundings."""
