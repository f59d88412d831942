"""What every report looks like: the pipeline's, the benchmark's and that of recall."""
