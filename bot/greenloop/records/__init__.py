"""What outlives a run on a machine or in a repository, and its form."""
