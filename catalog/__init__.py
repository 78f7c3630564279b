"""What the shop sells: products, their pictures and vectors, the encoder, indexing, jobs and the demo shop.

`catalog/vision/` sees pictures and knows nothing of Django; everything else here stores what it saw."""
