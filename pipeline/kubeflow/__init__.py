"""Kubeflow Pipelines: compile the graph, and what its pods run."""
