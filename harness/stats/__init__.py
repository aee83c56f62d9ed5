"""Intervals, verdicts and the resampling behind them. Knows nothing of metrics: only numbers, patients and groups."""
