"""See docs/explanation/architecture.md, layer vault."""
