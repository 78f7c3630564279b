"""The demo shop: products whose pictures we draw ourselves, so that a newcomer has something to search at once.

A kind of thing is one SVG file in `templates/`, in up to four layers: what colour it has, how high it stands out,
which way it faces and what else it is made of. `drawing` turns the layers into pixels, `surfaces` into a surface
with normals, `lighting` lights it, `studio` puts it before a backdrop; `pictures` is the door to all of them.
"""
