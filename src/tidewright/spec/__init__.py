"""See docs/explanation/architecture.md, layer spec."""
