"""What is measured: agents behind one interface, and the parts they are made of."""
