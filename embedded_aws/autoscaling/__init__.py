"""Application Auto Scaling of endpoints."""
