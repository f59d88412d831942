"""Models, endpoint configurations, endpoints, and their containers."""
