"""The eyes of the catalogue: from picture bytes to a vector, colours, a shape, a quality and a product type.

Plain Python on Pillow, numpy and onnxruntime. Nothing in here knows Django, so that it can be tested alone.
"""
