"""Writing layer stacks as pictures and layered files, atomically and without name clashes."""
