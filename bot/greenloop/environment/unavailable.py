"""The error of an attempt that asks for too much; beside `errors.py`, since only the environment raises it."""

from greenloop.errors import BrokenEnvironment


class Unavailable(BrokenEnvironment):
    """An attempt asks for dependencies that it cannot have; the text is for the model as well."""
