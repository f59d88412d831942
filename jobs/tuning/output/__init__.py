"""The files of a tuned model: its weights, its card and its licence."""
