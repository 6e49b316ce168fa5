"""The stock client and the guarded one, side by side: their bytes on the wire, and their results from each answer."""
