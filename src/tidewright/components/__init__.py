"""See docs/explanation/architecture.md, layer components."""
