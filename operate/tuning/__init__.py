"""Fine-tuning on data of this machine."""
