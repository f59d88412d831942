"""The models of finished training jobs, before they are kept."""
