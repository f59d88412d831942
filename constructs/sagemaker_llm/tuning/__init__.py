"""Fine-tuning: its settings, its pipeline and jobs, and who may do what."""
