"""Durable memory of research sessions: messages, summary and articles, kept in one of three patterns."""
