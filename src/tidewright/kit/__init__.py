"""See docs/explanation/architecture.md, layer kit."""
