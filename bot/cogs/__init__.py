"""What the bot can do, one file for each feature."""
