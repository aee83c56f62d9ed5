"""Metrics, one file a family, each by double entry: a weighted form that resampling needs, and a reference that it must equal."""
