"""Proof that the scanner does what it promises, on real engines wherever one can run."""
