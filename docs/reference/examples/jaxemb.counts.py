import jaxemb
from jaxemb import counts
from jaxemb.counts import cooccurrence

vocab, ids = jaxemb.text.encode(["a b a c d", "b c a b d"] * 20, min_count=1)
cells = cooccurrence.cooccurrence(ids, len(vocab.words), cooccurrence.Window(2))
factored = counts.ppmi_svd(cells, vocab, dim=2)
print(factored.tables.input.shape)
