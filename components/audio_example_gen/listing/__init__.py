"""What there is to ingest: folders, manifests and record files, listed before any is read."""
