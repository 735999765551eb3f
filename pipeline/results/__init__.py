"""What came of a run: summary, evaluation, lineage, out of ML Metadata."""
