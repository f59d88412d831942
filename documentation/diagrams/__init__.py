"""Pictures of the stacks, from their synthesized templates."""
