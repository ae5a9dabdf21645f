"""greenloop: a request becomes commits that our own checks have judged."""

__version__ = "0.1.0"
