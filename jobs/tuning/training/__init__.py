"""One training: the model, where it is placed, the trainer and its checkpoints."""
