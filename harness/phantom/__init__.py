"""The embedded phantom: a drawn skin-lesion data set with known truth, and a small model trained on it."""
