"""The command `/privacy`: see what is kept, opt out, erase it."""
