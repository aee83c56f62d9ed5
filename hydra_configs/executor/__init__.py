"""How requests become predictions."""
