"""The connection to Discord: its gateway, limits and pauses of requests, and its clock."""
