"""Tests of ingest/ that need no server."""
