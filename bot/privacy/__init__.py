"""`/privacy`: what is kept, opting out, erasing."""
