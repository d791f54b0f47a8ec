"""Long-term memory: keywords, stores, importance and pruning; parts any system may use."""
