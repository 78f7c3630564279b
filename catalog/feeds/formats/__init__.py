"""Files that shops export, as products: each reader turns one format into what POST /v1/products takes.

`detection.open_feed` finds out which format a file has. All of it is read once, from its start to its end, and of no
file more than a product with its variants is ever in memory. Nothing here knows of Django.
"""
