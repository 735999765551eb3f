"""Layouts of data sets and formats, a YAML file each; docs/your_data.md says how to write one."""
