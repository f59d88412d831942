"""Fine-tuning on data from this machine."""
