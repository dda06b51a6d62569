"""The connection to Discord: its gateway, limits on requests, and its clock."""
