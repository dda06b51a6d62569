"""The message menu "Was this right?"."""
