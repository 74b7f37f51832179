from jaxemb import text

vocab, ids = text.encode(["the cat saw the dog", "the dog ran"], min_count=1)
print(vocab.words)
print(ids)  # -1 ends a sentence
