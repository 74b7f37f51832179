"""From one embedder to another: what is read of a biLM's layers, and how it changes the vectors.

    contextual(static, bilm, reading)          switch: the reading stands in the vectors' place
    contextual(static, bilm, reading, change)  change: the vectors are kept, moved by the reading
    changed(static, context, change)           the same, with any embedder as the context

and the way back, from vectors in context to a table. The biLM comes as a value, so this room needs
no library of networks; `jaxemb.embedders` is its front door.
"""
