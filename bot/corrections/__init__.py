"""Counts of which emotion was heard and which was meant; taking a reaction back is in `bot.reactions.dislikes`."""
