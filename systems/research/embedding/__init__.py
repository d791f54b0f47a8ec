"""Which passages of documents say something about a question: in the loop, on a thread, in processes, in one of all."""
