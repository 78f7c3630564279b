"""Near-duplicates in a catalogue: told of when they come in, found by scans, and resolved by the merchant.

`detection.py` compares a new cover with the catalogue. `scan.py` starts a job that compares all covers with each
other: `comparing.py` has its steps, `covers.py` what they compare, `joining.py` its end. `groups.py` keeps what was
found, and `resolving.py` does with it what the merchant decides. What a cosine is called is a matter of
`catalog.vision.near_duplicates`.
"""
