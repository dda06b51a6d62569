"""The panel of `/settings`: an overview of all settings, and a control for each, with one module per page.

It is redrawn from the stored settings after every press. The custom_id of a control says what it does, in the form of
`CONTROL`, so panels need no state and keep working after a restart.
"""

import re

CONTROL = re.compile(r"settings:(?P<control>[a-z_]+)(?::(?P<argument>[\w -]+))?")
"""The custom_id of a control: what it changes or does and, for a button, the new value."""
