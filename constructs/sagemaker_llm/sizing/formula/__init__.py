"""The closed formula: which load a measured instance serves within an objective."""
