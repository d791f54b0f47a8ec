"""llama.cpp in process, many conversations in one batch."""
