"""What people and machines read of a run: comments, commits, titles, JSON, SARIF."""
