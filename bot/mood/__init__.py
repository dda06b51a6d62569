"""`/mood`: a picture of the mood of a channel or a server."""
