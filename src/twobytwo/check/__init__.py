"""What could be wrong with an answer: gates, other methods, other choices."""
