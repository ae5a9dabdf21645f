"""What the model reads after an attempt that is not green."""
