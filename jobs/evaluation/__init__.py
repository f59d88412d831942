"""Compares a tuned model with its base: what it knows, what it finds, how fast it is."""
