"""Forms of replies: JSON Schema read, and written as llama.cpp's grammars; `systems.engines.grammar` is the way in."""
