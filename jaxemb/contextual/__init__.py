"""From one vector a word to one vector a word in its sentence: ELMo and its kin."""
