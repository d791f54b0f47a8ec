"""LangGraph, by LangChain."""
