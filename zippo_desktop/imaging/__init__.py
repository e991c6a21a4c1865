"""Pixels: decoding, colour, mattes and layer stacks. Knows nothing of networks or files to write."""
