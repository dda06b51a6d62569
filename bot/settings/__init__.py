"""The command and the panel that change a server's settings; the settings themselves are `bot.server_settings`."""
