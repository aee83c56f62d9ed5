"""Makes PhantomVL again: ``python -m harness.phantom.train``. The only part of the package that needs torch and transformers."""
