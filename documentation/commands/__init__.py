"""The commands and examples of the documents: what they are, and whether they work."""
