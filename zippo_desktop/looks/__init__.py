"""How results look and are written: the options, and presets that bundle them."""
