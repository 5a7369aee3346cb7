"""What people call products, and which of them are retired."""

from dataclasses import asdict, dataclass

from sqlalchemy import Engine, delete, insert, select

from goldensample.station.records.tables import titles


@dataclass(frozen=True, slots=True)
class Title:
    """How a product is shown.

    Args:
        title: what people call it; machines go on using its key.
        retired: whether pages leave it out; nothing of it is deleted.
    """

    title: str
    retired: bool = False


class Titles:
    """Repository of titles; every call is a transaction of its own.

    Args:
        engine: of a database with the tables of this version; see `migration.open_database`.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self) -> dict[str, Title]:
        """Return the titles that were given, by the product's key."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(titles)).all()
        return {row.product: Title(row.title, row.retired) for row in rows}

    def set(self, product: str, title: Title) -> None:
        """Store how a product is shown."""
        with self._engine.begin() as connection:
            connection.execute(delete(titles).where(titles.c.product == product))
            connection.execute(insert(titles).values(product=product, **asdict(title)))
