"""Brings a model of the registry to the endpoint, by an update of the serving stack."""
