"""What was measured: figures, tables, plots, comparisons."""
