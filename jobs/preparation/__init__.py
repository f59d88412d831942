"""Turns a user's files into validated, split records, and reports what was left out."""
