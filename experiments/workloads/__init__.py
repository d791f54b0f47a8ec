"""What the systems are asked: conversations and access traces, all made from a seed."""
