"""Files of products: as the body of a request, as an import, and as the whole catalogue; `formats` reads them."""
