"""The plan of an environment: every number that follows from its load, with the reason for it."""
