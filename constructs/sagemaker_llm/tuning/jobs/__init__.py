"""What the jobs of the pipeline run, and under which roles."""
