"""The portal, laid out in floors: a module imports only from floors below its own (docs/architecture.md)."""
