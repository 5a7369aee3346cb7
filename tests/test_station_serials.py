"""Serial numbers read from codes at the station: in every record, or said why not."""

import numpy as np
import pytest
from part_files import post_part, view_files, view_pixels
from station_parts import open_station, run_station, wait

from goldensample.images.codec import encode_png
from goldensample.station.connections import Connections, connect

zxingcpp = pytest.importorskip("zxingcpp", reason="the extra [codes] is not installed")


def coded(*texts: str) -> bytes:
    """A picture of the view "top" with a strip of DataMatrix codes below."""
    strip = np.full((80, 220, 3), 255, np.uint8)
    for k, text in enumerate(texts):
        code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.DataMatrix)
        grey = np.asarray(code.to_image(scale=4))
        strip[: len(grey), 100 * k : 100 * k + grey.shape[1]] = grey[..., None]
    return encode_png(strip)


def part_with(*texts: str) -> dict[str, bytes]:
    return {**view_files(20), "top": coded(*texts)}


def test_a_code_in_a_view_is_the_serial_number_of_the_part(bracket, tmp_path):
    with open_station(tmp_path / "kept", bracket) as client:
        connect(client.app.state.station, Connections(read_codes=["bracket/top"]))
        part = post_part(client, part_with("SN-0042")).json()
        assert (part["serial"], part["verdict"]) == ("SN-0042", "defect")  # a code, and no plate
        assert {one["serial"] for one in part["views"].values()} == {"SN-0042"}
        found = client.get("/api/parts/bracket", params={"serial": "SN-0042"}).json()["parts"]
        assert [one["id"] for one in found] == [part["id"]]
        assert "SN-0042" in client.get("/history?text=SN-0042").text
        for texts, words in (
            ((), "view top: no serial number: one code must be in the picture; there is none"),
            (("SN-1", "SN-2"), "there is 2: SN-1, SN-2"),
        ):
            part = post_part(client, part_with(*texts)).json()
            assert (part["verdict"], part["serial"]) == ("error", "")
            assert words in part["note"]
        same = post_part(client, part_with("SN-7", "SN-7"), serial="SN-7").json()
        assert (same["serial"], same["verdict"]) == ("SN-7", "defect")
        other = post_part(client, part_with("SN-8"), serial="SN-9").json()
        assert (other["serial"], other["verdict"]) == ("SN-9", "error")
        assert "SN-9 came with the picture, its code says SN-8" in other["note"]


def test_a_code_in_a_single_picture_is_its_serial_number(bracket, tmp_path):
    with open_station(tmp_path / "kept", bracket) as client:
        connect(client.app.state.station, Connections(read_codes=["top"]))
        answer = client.post("/api/inspect/top", content=coded("SN-5"))
        assert (answer.status_code, answer.json()["serial"]) == (200, "SN-5")
        without = client.post("/api/inspect/top", content=encode_png(view_pixels("top", 20)))
        assert (without.status_code, without.json()["verdict"]) == (422, "error")
        assert without.json()["note"].startswith("no serial number: one code must be")
        other = client.post("/api/inspect/left", content=encode_png(view_pixels("left", 20)))
        assert other.json()["verdict"] == "good", "only where it is asked for"


def test_a_part_of_a_folder_has_the_serial_number_of_its_code(bracket, tmp_path):
    line = tmp_path / "line"
    line.mkdir()
    options = ("--watch", f"bracket={line}", "--read-code", "bracket/top")
    with run_station(tmp_path / "kept", [bracket], *options) as station:
        for view, data in part_with("SN-3").items():
            (line / f"0017_{view}.png").write_bytes(data)

        def parts() -> list[dict]:
            found = station.client.get("/api/parts/bracket").json()["parts"]
            return [one for one in found if one["verdict"]]

        [part] = wait(parts)
        assert (part["serial"], part["verdict"]) == ("SN-3", "defect")


def test_a_view_that_is_none_is_refused(bracket, tmp_path):
    with (
        pytest.raises(AssertionError, match=r"--read-code must name a view .*bracket/top"),
        run_station(tmp_path / "k", [bracket], "--read-code", "bracket/side"),
    ):
        pass
