"""What this machine likes best of the ways to use llama.cpp: measured once for a model, and kept."""
