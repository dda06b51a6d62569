"""Discord's limits on messages, forms and commands, in characters unless stated otherwise."""

MESSAGE_TEXT = 4000
"""All texts of a message that consists of components, like the panels, taken together."""

INPUT_TEXT = 4000
"""A text that is typed into a form or as an option of a command."""

FORM_TITLE = 45
"""The title of a form."""

MENU_PLACEHOLDER = 150
"""What a menu shows while nothing is chosen."""

MENU_LABEL = 100
"""An option of a menu."""

MENU_OPTIONS = 25
"""How many options a menu has."""

IMAGE_DESCRIPTION = 1024
"""The description of an attached picture."""
