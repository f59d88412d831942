"""Inference components: a model on an endpoint's instances, and the adapters on that model."""
