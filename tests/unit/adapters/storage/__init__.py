"""What is particular to one memory index adapter, and the parts that they share."""
