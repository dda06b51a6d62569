"""Provide fixtures for the tests of the loopback Discord and of the benchmarks that use it."""

from tests.bot.conftest import _no_settings_in_environment, bilstm, migrated, models  # noqa: F401 - fixtures
from tests.loopback import description, loopback, loopback_options, skipper, world  # noqa: F401 - fixtures
