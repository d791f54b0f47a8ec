"""Makes, finds and checks GGUF model files."""
