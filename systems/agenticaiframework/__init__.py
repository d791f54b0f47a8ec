"""The package agenticaiframework as a system: an adapter of what it has, and nothing that it lacks."""
