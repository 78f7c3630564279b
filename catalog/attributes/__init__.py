"""What pictures tell of products beyond what the shop has said itself: suggested, and accepted or rejected by the shop.

What the shop says goes before whatever a picture seems to show, and what it has decided is not asked again.
"""
