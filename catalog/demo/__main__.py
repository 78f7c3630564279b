"""`python -m catalog.demo`: draw the pictures of all demo products into the static files, from where they are served.

Run it after a change to a template or to `products.csv`, and commit what it writes.
"""

from pathlib import Path

from tqdm import tqdm

from catalog.demo.pictures import render
from catalog.demo.products import DEMO_PRODUCTS

FOLDER = Path(__file__).parents[1] / "static/demo"
SIDE = 640


def draw_all(folder: Path = FOLDER) -> None:
    """Draw every product's picture as `<product_id>.webp`, and remove those of products that are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    for product in tqdm(DEMO_PRODUCTS, unit=" pictures"):
        (folder / f"{product.product_id}.webp").write_bytes(render(product.picture, size=SIDE))
    for stale in set(folder.glob("*.webp")) - {folder / f"{product.product_id}.webp" for product in DEMO_PRODUCTS}:
        stale.unlink()


if __name__ == "__main__":
    draw_all()
