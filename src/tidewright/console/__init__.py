"""See docs/explanation/architecture.md, layer console."""
