"""Bayesian answers to two questions about product experiments with skewed metrics."""
