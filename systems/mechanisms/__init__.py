"""What any agent may use, one module a mechanism."""
