"""What each stage does in its child process: here pure stages meet the store."""
