"""A model's base weights, brought into the account."""
