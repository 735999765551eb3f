"""Benchmarks: each module has a `main`; `make bench` runs them one after the other."""
