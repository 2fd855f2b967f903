"""See docs/explanation/architecture.md, layer options."""
