"""The interface layer: hosts any system, and serves it over WebSocket."""
