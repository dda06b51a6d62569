"""Fixtures of the tests of the monitoring."""

from tests.loopback import description, loopback, loopback_options, skipper, world  # noqa: F401 - fixtures
