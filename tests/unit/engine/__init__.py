"""The engine's definitions on examples computed by hand from docs/semantics.md."""
