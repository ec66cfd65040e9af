"""7b Who decided, about which bytes, and until when."""
