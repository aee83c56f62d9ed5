"""Adapters: one vision-language model each behind one interface. They know nothing of suites, metrics, the store or Hydra."""
