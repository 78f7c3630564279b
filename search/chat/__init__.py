"""Talking a shopper through the shop: a conversation that refines what is sought, and the doors to it."""
