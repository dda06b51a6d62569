"""Fixtures of the tests of the deployment files."""

from tests.bot.conftest import _no_settings_in_environment, bilstm, models  # noqa: F401 - fixtures
from tests.loopback import description, loopback, loopback_options, skipper, world  # noqa: F401 - fixtures
