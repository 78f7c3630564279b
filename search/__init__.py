"""One query from request to answer: parse it, turn picture or words into a vector, find the nearest products, respond.

`pipeline.search` is the way; every endpoint and page is only another way to build a `Query`."""
