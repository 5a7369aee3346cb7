"""A client that a generator makes of the station's OpenAPI document does the whole job."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from station_parts import picture, run_station

pytest.importorskip("openapi_python_client", reason="openapi-python-client is not installed")
TOKEN = "an-operator-s-token"


@pytest.fixture(scope="module")
def station(product, tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated")
    with run_station(folder / "kept", [product], "--token", f"operator:{TOKEN}") as one:
        yield one


@pytest.fixture(scope="module")
def generated(station, tmp_path_factory):
    """The package that the generator makes, with a function for each operation."""
    folder: Path = tmp_path_factory.mktemp("client")
    headers = {"authorization": f"Bearer {TOKEN}"}
    document = station.client.get("/api/openapi.json", headers=headers).json()
    (folder / "openapi.json").write_text(json.dumps(document))
    (folder / "config.yml").write_text("post_hooks: []\n")  # such as formatting it
    command = (
        "generate --path openapi.json --config config.yml --meta none --output-path stationclient"
    )
    done = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", *command.split()],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    operations = {
        one["operationId"] for ways in document["paths"].values() for one in ways.values()
    }
    made = {path.stem for path in (folder / "stationclient/api/default").glob("*.py")}
    assert operations == made - {"__init__"}, done.stdout
    sys.path.insert(0, str(folder))
    yield importlib.import_module("stationclient")
    sys.path.remove(str(folder))


def operation(name: str):
    return importlib.import_module(f"stationclient.api.default.{name}")


def test_a_generated_client_judges_answers_and_lists(generated, station):
    models = importlib.import_module("stationclient.models")
    file = importlib.import_module("stationclient.types").File
    with generated.AuthenticatedClient(base_url=station.url, token=TOKEN) as client:
        (product,) = operation("products").sync(client=client)
        assert product.product == "part"
        assert not product.composition_silent
        odd = picture(301, defect=True)
        record = operation("inspect").sync("part", client=client, body=file(odd), name="odd.png")
        assert isinstance(record, models.RecordAnswer)
        assert (record.verdict, record.name, len(record.regions)) == ("defect", "odd.png", 1)
        form = models.InspectFilesBody(file=file(odd, "odd.png", "image/png"))
        again = operation("inspect").sync("part", client=client, body=form)
        assert again.score == record.score
        answer = models.Feedback(record=record.id, answer=models.FeedbackAnswer.DEFECT)
        kept = operation("give_answer").sync(client=client, body=answer)
        assert (kept.record, kept.answer) == (record.id, "defect")
        listed = operation("records").sync(client=client, verdict=models.RecordsVerdictType0.DEFECT)
        assert [one.id for one in listed.records] == [again.id, record.id]
        assert listed.records[1].answer == "defect"
        counts = operation("counts").sync(client=client, product="part")
        assert counts["defect"] == 2
        shown = operation("picture").sync_detailed(record.id, client=client)
        assert shown.content.startswith(b"\xff\xd8")
        refused = operation("inspect").sync("part", client=client, body=file(b"none"))
        assert isinstance(refused, models.ErrorBody)
        assert "cannot read" in refused.error
    with generated.AuthenticatedClient(base_url=station.url, token="a-wrong-one-of-12") as client:
        assert "must have a token" in operation("products").sync(client=client).error
