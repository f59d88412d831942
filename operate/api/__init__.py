"""The deployed REST API: its keys, and the model's answers."""
