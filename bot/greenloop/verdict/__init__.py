"""What decides: two reports side by side, what that proves, and what an attempt may not touch. Pure."""
