"""Is a model in use still what was approved? A new period beside the one it was learnt from."""
