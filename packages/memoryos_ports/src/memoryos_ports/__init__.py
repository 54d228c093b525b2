"""The vocabulary and the promises of MemoryOS: frozen structs, Protocols and one error tree, without any I/O."""
