"""Source code and manifests as data: what imports what, what a tree's tests are run by. Runs nothing of it."""
