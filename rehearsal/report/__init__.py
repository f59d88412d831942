"""What a rehearsal shows: its timeline, the table, the picture."""
