"""API Gateway's response streaming, and the functions that are web applications."""
