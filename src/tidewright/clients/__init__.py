"""See docs/explanation/architecture.md, layer clients."""
