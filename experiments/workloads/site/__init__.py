"""A web of the lab's own, on loopback: pages with a stated delay, and with a stated fault, made from a seed."""
