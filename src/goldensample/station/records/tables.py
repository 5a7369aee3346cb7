"""Tables of a station's database. A change here needs a migration as well."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
)

metadata = MetaData()

records = Table(
    "records",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("product", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("source", String(16), nullable=False),
    Column("operator", String(64), nullable=False),
    Column("time", Float, nullable=False),
    Column("milliseconds", Float, nullable=False),
    Column("verdict", String(8)),
    Column("score", Float),
    Column("p_value", Float),
    Column("limit_score", Float),
    Column("limit_review", Float),
    Column("limit_pixel", Float),
    Column("regions", JSON, nullable=False),
    Column("note", Text, nullable=False),
    Column("height", Integer, nullable=False),
    Column("width", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("file_sha256", String(64), nullable=False),
    Column("picture_sha256", String(64), nullable=False),
    Column("picture_bytes", Integer, nullable=False),
    Column("heat_sha256", String(64)),
    Column("frame", JSON(none_as_null=True)),
    Column("kept", Boolean, nullable=False),
    Column("answer", String(8)),
    Column("answered_by", String(64)),
    Column("part", Integer),
    Column("view", String(32)),
    Column("serial", String(255)),
    Column("job", String(64)),
    Column("brightness", Float),
    Column("sharpness", Float),
    Index("records_by_part", "part"),
    Index("records_by_time", "time"),
    Index("records_by_product", "product", "id"),
    Index("records_by_picture", "picture_sha256"),
    Index("records_by_heat", "heat_sha256"),
    Index("records_by_answer", "product", "answer", "verdict"),
    sqlite_autoincrement=True,
)
"""One row a picture, without a score where it could not be read; `answer` and `answered_by` are of
the latest feedback not undone; `kept`: still on disk; `part`: which part it is a view of."""

parts = Table(
    "parts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("product", String(64), nullable=False),
    Column("serial", String(255), nullable=False),
    Column("job", String(64), nullable=False),
    Column("operator", String(64), nullable=False),
    Column("source", String(16), nullable=False, server_default="api"),
    Column("time", Float, nullable=False),
    Column("milliseconds", Float),
    Column("verdict", String(8)),
    Column("p_value", Float),
    Column("view", String(32), nullable=False),
    Column("note", Text, nullable=False),
    Index("parts_by_product", "product", "id"),
    Index("parts_by_serial", "serial"),
    Index("parts_by_job", "job"),
    Index("parts_by_verdict", "verdict"),
    sqlite_autoincrement=True,
)
"""One row a part of several views, from the moment it is accepted; without a verdict it is under
way, see `parts.PartRecord`. A trigger of a single camera has one until its record is stored."""

feedback = Table(
    "feedback",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("record", Integer, ForeignKey("records.id"), nullable=False, index=True),
    Column("time", Float, nullable=False),
    Column("operator", String(64), nullable=False),
    Column("answer", String(8), nullable=False),
    Column("revision", Integer),
    Column("undone", Float),
    Column("proposed", Boolean, nullable=False, server_default=false()),
    Index("feedback_by_proposed", "proposed"),
    sqlite_autoincrement=True,
)
"""People's labels of pictures; `revision` is the product's, where it learned from one; `proposed`:
an engineer has still to decide whether it does."""

marks = Table(
    "marks",
    metadata,
    Column("record", Integer, ForeignKey("records.id"), primary_key=True),
    Column("time", Float, nullable=False),
    Column("operator", String(64), nullable=False),
    Column("strokes", JSON, nullable=False),
)
"""Where a person marked a missed defect, as shapes; see `rows.Mark`."""

titles = Table(
    "titles",
    metadata,
    Column("product", String(64), primary_key=True),
    Column("title", String(64), nullable=False),
    Column("retired", Boolean, nullable=False),
)
"""What people call products, and which of them pages leave out; see `titles.Title`."""

changes = Table(
    "changes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("product", String(64), nullable=False, index=True),
    Column("time", Float, nullable=False),
    Column("operator", String(64), nullable=False),
    Column("action", String(16), nullable=False),
    Column("revision", Integer),
    Column("words", Text, nullable=False),
    sqlite_autoincrement=True,
)
"""Changes of products: who, how and when; and alarms of a changed scene."""

seen = Table(
    "seen",
    metadata,
    Column("path", Text, primary_key=True),
    Column("stamp", String(64), primary_key=True),
    Column("record", Integer),
    Column("error", Text),
)
"""Inspected files of watched folders, by size and time, so that none is inspected twice."""

outbox = Table(
    "outbox",
    metadata,
    Column("output", String(16), primary_key=True),
    Column("record", Integer, ForeignKey("records.id"), primary_key=True),
    Column("refusal", Text),
)
"""Records that an output has still to deliver; `refusal`: why the receiver will not take one."""
