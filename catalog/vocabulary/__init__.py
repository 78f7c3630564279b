"""What products are called in eight languages: things, qualities and colours, for sentences and for translations."""
