"""See docs/explanation/architecture.md, layer operations."""
