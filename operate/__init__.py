"""What an operator does to a deployed environment: `python -m operate <verb> <environment>`."""
