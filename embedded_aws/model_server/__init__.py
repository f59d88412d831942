"""What runs in place of a serving container: a room for each server's wire, over one llama.cpp."""
