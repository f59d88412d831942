"""What asks for a release, and how the asker is answered."""
