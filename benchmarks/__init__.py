"""Measurements that print tables, and the fake Discord on the loopback address that some of them and the tests use."""
