"""Google's Agent Development Kit, as a system of another interpreter."""
