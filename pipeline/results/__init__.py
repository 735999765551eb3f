"""The results of a run: summary, evaluation, lineage, read from ML Metadata."""
