"""See docs/explanation/architecture.md, layer assemble."""
