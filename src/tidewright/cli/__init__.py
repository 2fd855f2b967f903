"""See docs/explanation/architecture.md, layer cli."""
