"""The settings of a server: what they are, the panel that changes them, and the command that opens it."""
