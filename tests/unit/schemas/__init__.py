"""Tests of schemas/: what crosses a process boundary comes back as it was, and nothing else gets through."""
