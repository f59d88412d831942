"""What training and evaluation both know of a model: its files, its prompts, its tokens."""
