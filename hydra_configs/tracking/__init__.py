"""Where runs are mirrored to."""
