"""The motivated intruder: attacks what we made ourselves, and passes only if nobody is found."""
