"""The endpoint: its role, key, scaling, and the weights that it loads."""
