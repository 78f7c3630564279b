"""The demo shop: products whose pictures we draw ourselves, so that a newcomer has something to search.

Each kind of thing is an SVG file in `templates/`: what colour it has, how far it stands out, which way it
faces and what it is made of. `drawing` makes pixels of that, `surfaces` a surface, `lighting` lights it and
`studio` puts it before a backdrop; `pictures` is the door to all of them.
"""
