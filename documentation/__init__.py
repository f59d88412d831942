"""What the documents say that the code knows better: references, diagrams, and commands."""
