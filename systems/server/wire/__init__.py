"""Between the socket and the endpoints: connections and their bounds, HTTP's framing, origins, tokens, addresses."""
