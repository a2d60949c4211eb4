"""How fast the scanner is, measured beside the ceiling of its client and an idiomatic Faust job."""
