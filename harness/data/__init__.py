"""Data sets and tables: from files to samples, and from predictions to answers that metrics are computed from."""
