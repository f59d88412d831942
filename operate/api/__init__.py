"""The deployed REST API: its keys, and answers over it."""
