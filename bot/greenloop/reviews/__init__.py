"""Reviews: threads, suggestions, and claims of a model."""
