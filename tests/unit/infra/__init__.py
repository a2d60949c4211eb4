"""Tests of infra/ that need no server of others."""
