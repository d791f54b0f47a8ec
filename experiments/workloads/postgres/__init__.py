"""PostgreSQL as a service of trials: found, started as a user that it accepts, and asked whether it is ready."""
