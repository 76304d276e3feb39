"""The trail as people read it: what belongs together is one story, and every story a sentence."""
