"""Benchmarks that print tables, and the loopback Discord that some of them and the tests use."""
