"""Small real things that the tests of every app use; conftest.py makes fixtures of them."""
