"""Where the states of conversations lie: hot, warm, cold and frozen, and what moves them."""
