"""See docs/explanation/architecture.md, layer pipelines."""
