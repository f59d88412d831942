"""TGI 1.1: its routes, its types, and the model that speaks them."""
