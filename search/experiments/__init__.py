"""Comparing two sets of weights on half of the shoppers each."""
