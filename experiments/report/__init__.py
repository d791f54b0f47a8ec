"""From a run folder to what people read: figures, tables and one self-contained page."""
