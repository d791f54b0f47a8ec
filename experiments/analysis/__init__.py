"""From records to comparisons: tidy frames, pairing within blocks, and the published claims."""
