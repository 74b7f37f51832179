"""Static embeddings: one vector a word, trained on blocks of text."""
