"""How fast is it? Figures of this machine, printed, never asserted."""
