"""What CI does: the workflow's steps, each a verb that a shell runs."""
