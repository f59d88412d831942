"""What a change of the code does to the environments, from two cloud assemblies and no AWS."""
