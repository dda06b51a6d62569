"""Fixtures of the tests of the deployment files."""

from tests.bot.conftest import _bare_environment, bilstm, models  # noqa: F401 - fixtures
from tests.loopback import description, loopback, loopback_options, skipper, world  # noqa: F401 - fixtures
