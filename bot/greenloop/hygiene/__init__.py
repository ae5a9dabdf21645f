"""Hostile text and secrets: what is not shown to a model, and what does not act where people read it."""
