"""The pipeline: configuration, graph, runners, model and command line."""
