"""1 What each agency agreed to send, and whether it did."""
