"""What can be served, as plain data: models, weights, limits, images and instances."""
