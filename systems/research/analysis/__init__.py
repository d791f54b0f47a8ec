"""Statistics over what was fetched: in the event loop, on a thread, or in a process that can be killed."""
