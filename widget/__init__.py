"""What a shopper's browser may call: public keys bound to origins, the storefront script, and search reads that need no
secret. It stands on `search` and adds nothing to it but its own, narrower door."""
