"""Hands the key of `Authorization: Bearer` to API Gateway, which meters and throttles by it."""
