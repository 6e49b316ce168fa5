"""The stock client and the guarded one, side by side: what each puts on the wire, and what it makes of the answer."""
