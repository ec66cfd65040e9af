"""Spark as the one who spreads the work: it calls our functions on its executors, and it sorts.

The only package that may import pyspark, and only inside functions: it is an extra.
"""
