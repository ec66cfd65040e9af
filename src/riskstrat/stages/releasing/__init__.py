"""Lists and tables handed to recipients, and all that is looked at before they are."""
