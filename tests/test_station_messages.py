"""What a real broker is told of a verdict: words for programs, whatever people read."""

import json

from output_parts import broker, listener, records_of
from station_parts import free_port, picture, run_station, wait


def test_a_broker_reads_the_words_of_verdicts_in_english(product, tmp_path):
    pictures = (picture(330), picture(331, defect=True), b"none")
    with free_port() as port, broker(tmp_path, port), listener(port, "line/#") as got:
        options = ("--mqtt", f"mqtt://127.0.0.1:{port}/line", "--language", "de")
        with run_station(tmp_path / "kept", [product], *options) as station:
            answers = []
            for number, data in enumerate(pictures):
                address = f"/api/inspect/part?name={number}.png"
                answers.append(station.client.post(address, content=data).json())
            wait(lambda: len(records_of(got)) == len(pictures))
            page = station.client.get(f"/records/{answers[2]['id']}").text
    messages = [json.loads(one.payload) for one in got if one.topic.endswith("/verdict")]
    assert [one["verdict"] for one in messages] == ["good", "defect", "error"]
    for message, answer in zip(messages, answers, strict=True):
        assert message["record"] == answer["id"]
        for name in ("verdict", "note", "product", "name", "score"):
            assert message[name] == answer[name], name
        assert message["threshold"] == answer["limit_score"]
    assert messages[1]["regions"], "a defect says where"
    assert "it is not a PNG" in messages[2]["note"]
    assert "es ist kein Bild in PNG" in page
