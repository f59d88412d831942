"""A person's own GGUF file: what it holds, and whether a model of the catalog can be it."""
