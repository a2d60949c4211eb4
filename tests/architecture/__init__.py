"""The rules of the house as tests, each shown to catch a bad example."""
