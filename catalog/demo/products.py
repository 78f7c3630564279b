"""The products of the demo shop, as `products.csv` beside this file lists them."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog.demo.pictures import Picture

CURRENCY = "USD"


@dataclass(frozen=True)
class DemoProduct:
    """One product of the demo shop with the picture that is drawn for it."""

    product_id: str
    name: str
    price: float
    category: str
    brand: str
    tags: tuple[str, ...]
    stock_quantity: int
    description: str
    picture: Picture
    currency: str = CURRENCY

    @property
    def color_name(self) -> str:
        return self.picture.color

    @property
    def in_stock(self) -> bool:
        return self.stock_quantity > 0

    @property
    def metadata(self) -> dict[str, Any]:
        """Return what the API would be sent as the product's metadata."""
        return {
            "name": self.name,
            "price": self.price,
            "currency": self.currency,
            "category": self.category,
            "brand": self.brand,
            "tags": list(self.tags),
            "color_name": self.color_name,
            "in_stock": self.in_stock,
            "stock_quantity": self.stock_quantity,
            "description": self.description,
        }


def _read_products(path: Path) -> tuple[DemoProduct, ...]:
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(_product(row, seed=number) for number, row in enumerate(csv.DictReader(file), start=1))


def _product(row: dict[str, str], *, seed: int) -> DemoProduct:
    return DemoProduct(
        product_id=row["product_id"],
        name=row["name"],
        price=float(row["price"]),
        category=row["category"],
        brand=row["brand"],
        tags=tuple(row["tags"].split()),
        stock_quantity=int(row["stock"]),
        description=row["description"],
        picture=Picture(
            kind=row["kind"],
            color=row["color"],
            accent=row["accent"],
            material=row["material"],
            pattern=row["pattern"],
            background=row["background"],
            seed=seed,
        ),
    )


DEMO_PRODUCTS = _read_products(Path(__file__).with_name("products.csv"))
