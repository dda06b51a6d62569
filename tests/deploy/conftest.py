"""Fixtures of the tests of what is deployed with the bot."""

from tests.bot.conftest import _bare_environment, bilstm, models  # noqa: F401 - fixtures
from tests.loopback import description, loopback, loopback_options, skipper, world  # noqa: F401 - fixtures
