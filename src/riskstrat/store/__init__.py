"""The only code that touches disk, database, MLflow or keys."""
