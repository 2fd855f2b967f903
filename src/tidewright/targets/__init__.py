"""See docs/explanation/architecture.md, layer targets."""
