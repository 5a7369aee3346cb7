"""Parts through real cameras, a real station and real receivers: each is answered once."""

from contextlib import ExitStack

from camera_parts import Scene, camera_options, part_cameras
from controller_parts import (
    acknowledge,
    block_of,
    modbus_client,
    read_modbus,
    request_s7,
    write_texts,
)
from genicam_parts import virtual_producer
from part_files import VIEWS
from station_parts import StationProcess, free_port, run_station, wait

from goldensample.station.line.controller_words import ERRORS, VERDICTS
from receiver_parts import Receivers, answer_of, opcua_reader

PARTS = 12


def parts_of(station: StationProcess) -> list[dict]:
    """The station's records of parts, the oldest first."""
    answer = station.client.get("/api/parts/bracket", params={"limit": 1000}).json()
    return answer["parts"][::-1]


def test_each_part_is_one_answer_at_every_controller(bracket, tmp_path):
    """A controller triggers one part after the other, and reads verdict and views of each."""
    scene, seen = Scene(), []
    with ExitStack() as stack:
        receivers = Receivers(stack, tmp_path, "bracket")
        urls = stack.enter_context(part_cameras(scene))
        options = [*receivers.options, *camera_options(*urls)]
        station = stack.enter_context(run_station(tmp_path / "kept", [bracket], *options))
        controller = stack.enter_context(modbus_client(receivers.modbus_port))
        reader = stack.enter_context(opcua_reader(receivers.endpoint, "bracket"))
        wait(lambda: read_modbus(controller).bit(0))
        for number in range(1, PARTS + 1):
            scene.defect = "left" if number % 4 == 0 else ""
            serial, before = f"S{number}".encode(), read_modbus(controller).number
            if number % 2:
                write_texts(controller, serial, b"J")
                assert not controller.write_coil(0, True, device_id=1).isError()
            else:
                request_s7(receivers.block, number, 0, serial, b"J")
            shown = wait(lambda b=before: (one := read_modbus(controller)).number != b and one)
            wait(lambda n=shown.number: block_of(receivers.block).number == n)
            assert answer_of(block_of(receivers.block)) == answer_of(shown)
            assert answer_of(read_modbus(controller, 100)) == answer_of(shown), "the part's block"
            acknowledge(controller, shown.number)
            seen.append((shown.number, shown.verdict, shown.serial.rstrip(b"\0").decode()))
            assert (shown.views, shown.job.rstrip(b"\0")) == (len(VIEWS), b"J")
            assert shown.verdict in (VERDICTS["good"], VERDICTS["defect"])
            assert all(error == 0 and score > 0 for _, error, score in shown.each_view)
        wait(lambda: len(receivers.published()) == len(reader.seen) == PARTS)
        blocks = station.client.get("/api/controller").json()["blocks"]
        assert [one["product"] for one in blocks] == ["", "bracket", *VIEWS]
        scores = [view["score"] for view in blocks[1]["each_view"]]
        assert scores == [score for _, _, score in shown.each_view]
        page = station.client.get("/controllers", headers={"accept": "text/html"}).text
        assert "<code>view 3 score</code>" in page
        assert "<code>view 4 score</code>" not in page
        records = parts_of(station)
        assert [one["serial"] for one in records] == [f"S{n}" for n in range(1, PARTS + 1)]
        told = [(number, VERDICTS[verdict], serial) for number, verdict, serial in reader.seen]
        assert told == seen, "no part without an answer, none answered twice"
        assert receivers.published() == reader.seen
        assert [VERDICTS[one["verdict"]] for one in records] == [verdict for _, verdict, _ in seen]
        assert {verdict for _, verdict, _ in seen} == {1, 3}


def test_industrial_cameras_take_the_views_of_a_part(bracket, tmp_path):
    """Virtual GenICam cameras, one a view; a controller triggers them at once."""
    cameras = [f"bracket/{view}=genicam:{number}" for number, view in enumerate(VIEWS)]
    options = [*camera_options(*cameras), "--producer", str(virtual_producer())]
    with ExitStack() as stack:
        receivers, seen = Receivers(stack, tmp_path, "bracket"), []
        options += receivers.options
        station = stack.enter_context(run_station(tmp_path / "kept", [bracket], *options))
        controller = stack.enter_context(modbus_client(receivers.modbus_port))
        reader = stack.enter_context(opcua_reader(receivers.endpoint, "bracket"))
        wait(lambda: station.client.post("/api/cameras/bracket/trigger").status_code == 200)
        wait(lambda: reader.seen)
        before = len(parts_of(station))
        for number in range(4):
            serial, last = f"V{number}".encode(), read_modbus(controller).number
            write_texts(controller, serial, b"")
            assert not controller.write_coil(0, True, device_id=1).isError()
            shown = wait(lambda b=last: (one := read_modbus(controller)).number != b and one)
            wait(lambda n=shown.number: block_of(receivers.block).number == n)
            assert answer_of(block_of(receivers.block)) == answer_of(shown)
            seen.append((shown.number, shown.serial.rstrip(b"\0").decode()))
        wait(lambda: len(receivers.published()) == before + 4)
        wait(lambda: receivers.published()[-1] == reader.seen[-1])
        assert [(number, serial) for number, _, serial in reader.seen[-4:]] == seen
        assert [(number, serial) for number, _, serial in receivers.published()[-4:]] == seen
        part = parts_of(station)[-1]
        views = station.client.get(f"/api/parts/bracket/{part['id']}").json()["views"]
        assert [one["frame"]["camera"] for one in views.values()] == ["0", "1", "2"]
        assert part["verdict"] in ("good", "defect")


def test_a_part_whose_view_is_late_keeps_the_views_that_were_in_time(bracket, tmp_path):
    """One answer, "late", counted once; the late view gets a record of its own."""
    scene = Scene()
    with ExitStack() as stack:
        port = stack.enter_context(free_port())
        options = ["--modbus", f"modbus://127.0.0.1:{port}", "--deadline", "4s"]
        options += camera_options(*stack.enter_context(part_cameras(scene)))
        station = stack.enter_context(run_station(tmp_path / "kept", [bracket], *options))
        controller = stack.enter_context(modbus_client(port))
        wait(lambda: station.client.post("/api/cameras/bracket/trigger").status_code == 200)
        before = read_modbus(controller)
        scene.open[VIEWS[-1]].clear()
        wait(lambda: read_modbus(controller).bit(0))
        assert not controller.write_coil(0, True, device_id=1).isError()
        shown = wait(lambda: (one := read_modbus(controller)).number != before.number and one)
        assert (shown.verdict, shown.error) == (VERDICTS["error"], ERRORS["late"])
        assert shown.late == before.late + 1, "a part, not its views"
        assert [error for _, error, _ in shown.each_view] == [0, 0, ERRORS["late"]]
        part = parts_of(station)[-1]
        views = station.client.get(f"/api/parts/bracket/{part['id']}").json()["views"]
        assert [one["verdict"] == "error" for one in views.values()] == [False, False, True]
        picture = f"/api/records/{views['top']['id']}/original"
        assert station.client.get(picture).is_success, "its picture is kept"
        scene.light()
        newest = wait(
            lambda: (
                (one := station.client.get("/api/records").json()["records"][0])["id"]
                > shown.number
                and one
            )
        )
        assert (newest["verdict"] in ("good", "defect"), newest["view"]) == (True, VIEWS[-1])
        assert newest["note"].startswith("late: the part was answered before")
        assert read_modbus(controller).number == shown.number, "it is answered once"
