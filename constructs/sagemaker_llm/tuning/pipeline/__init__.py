"""The pipeline: its definition, step by step, its parameters and its role."""
