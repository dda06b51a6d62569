"""The connection to Discord: its gateway, the pace of requests, and its clock."""
