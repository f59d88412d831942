"""The servers that run a model: one file for each, over what they have in common."""
