"""Reports made from saved results only: tables, figures, and the pages around them."""
