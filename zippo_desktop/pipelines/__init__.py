"""The three tasks: matting, painting and generation, one module each."""
