"""`EvaluationReport`: hear and see what the model gets wrong."""
