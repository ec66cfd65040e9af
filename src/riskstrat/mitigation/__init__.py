"""What it would cost to treat groups more alike: known remedies, tried on a finished run."""
