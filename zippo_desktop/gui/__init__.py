"""The window: panels over the same core as the command line's. Only this package knows Qt."""
