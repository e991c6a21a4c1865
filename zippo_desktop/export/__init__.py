"""Writing layer stacks as PNG, PSD and layer folders, atomically and without name clashes."""
