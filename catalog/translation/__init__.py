"""Products' names and shoppers' words in other languages: by our own glossary, or by a translator that is set."""
