"""What people read of a run: its report, the pack for the board, runs side by side."""
