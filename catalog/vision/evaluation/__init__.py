"""How good an encoder is on pictures that somebody labelled.

`measures.py` is the arithmetic, `figures.py` what is asked of one set of pictures, `pictures.py` and `datasets.py` read
files, `colors.py` measures colours that nobody labelled, and `evaluate.py` puts it together.
"""
