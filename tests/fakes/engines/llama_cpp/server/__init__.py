"""The scripted engine is `__main__`."""
