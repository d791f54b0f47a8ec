"""Where conversations lie that are live no longer: hot in memory or Redis, warm in SQLite, cold in compressed files."""
