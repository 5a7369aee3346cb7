"""A controller reads verdicts over OPC UA, with a real client."""

import asyncio
import math
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asyncua import Client, ua
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from output_parts import connection, inspect
from station_parts import free_port, run_station, wait

NAMES = ("Verdict", "Score", "Name", "Record", "Regions", "Time", "Threshold", "PValue", "Message")


@pytest.fixture
def port() -> Iterator[int]:
    with free_port() as number:
        yield number


async def read(client: Client, *names: str) -> dict[str, ua.DataValue]:
    """Read variables of the product at once."""
    space = await client.get_namespace_index("urn:goldensample:station")
    nodes = [client.get_node(f"ns={space};s=part.{name}") for name in names]
    values = await client.read_attributes(nodes, ua.AttributeIds.Value)
    return dict(zip(names, values, strict=True))


async def verdict_of(client: Client, record: int) -> dict[str, object]:
    """Ask for the verdict of a record."""
    space = await client.get_namespace_index("urn:goldensample:station")
    root = client.get_node(f"ns={space};s=GoldenSample")
    method = client.get_node(f"ns={space};s=VerdictOf")
    answer = await root.call_method(method, ua.Variant(record, ua.VariantType.Int64))
    arguments = await (await method.get_child("0:OutputArguments")).read_value()
    return {argument.Name: value for argument, value in zip(arguments, answer, strict=True)}


def test_a_controller_reads_the_last_verdict(product, tmp_path, port):
    endpoint = f"opc.tcp://127.0.0.1:{port}"

    async def now() -> dict[str, ua.DataValue]:
        async with Client(endpoint) as client:
            return await read(client, *NAMES)

    async def write() -> None:
        async with Client(endpoint) as client:
            space = await client.get_namespace_index("urn:goldensample:station")
            await client.get_node(f"ns={space};s=part.Verdict").write_value("good")

    with run_station(tmp_path / "kept", [product], "--opcua", endpoint) as station:
        waiting = ua.StatusCodes.BadWaitingForInitialData
        assert {one.StatusCode.value for one in asyncio.run(now()).values()} == {waiting}
        assert connection(station.client, "opcua")["state"] == "waiting"
        record = inspect(station, 314, defect=True)
        wait(lambda: connection(station.client, "opcua")["state"] == "working")
        found = asyncio.run(now())
        assert {one.SourceTimestamp for one in found.values()} == {found["Record"].SourceTimestamp}
        values = {name: one.Value.Value for name, one in found.items()}
        assert (values["Record"], values["Verdict"]) == (record["id"], "defect")
        assert values["Name"] == "314.png"
        assert values["Score"] == pytest.approx(record["score"])
        assert values["Regions"] == len(record["regions"])
        assert found["Time"].Value.VariantType is ua.VariantType.DateTime
        age = datetime.now(UTC) - values["Time"].replace(tzinfo=UTC)
        assert timedelta() <= age < timedelta(hours=1)
        assert f'"record": {record["id"]}' in values["Message"]
        with pytest.raises(Exception, match=r"(?i)denied|writ"):
            asyncio.run(write())


def test_a_controller_gets_the_verdict_of_a_record_under_load(product, tmp_path, port):
    endpoint = f"opc.tcp://127.0.0.1:{port}"

    async def ask(numbers: list[int]) -> list[dict[str, object]]:
        async with Client(endpoint) as client:
            return [await verdict_of(client, number) for number in numbers]

    with run_station(tmp_path / "kept", [product], "--opcua", endpoint) as station:
        records = [inspect(station, 400 + index, bool(index % 2)) for index in range(6)]
        answers = asyncio.run(ask([record["id"] for record in records]))
        for record, answer in zip(records, answers, strict=True):
            assert answer["Record"] == record["id"]
            assert (answer["Name"], answer["Verdict"]) == (record["name"], record["verdict"])
            assert answer["Score"] == pytest.approx(record["score"])
        with pytest.raises(ua.UaStatusCodeError, match="BadNotFound"):
            asyncio.run(ask([4711]))
        station.kill()
    with run_station(tmp_path / "kept", [product], "--opcua", endpoint):
        [answer] = asyncio.run(ask([records[0]["id"]]))  # of before the restart
        assert answer["Name"] == records[0]["name"]


def test_a_value_that_is_not_there_is_no_zero():
    from goldensample.station.outputs.opcua_values import data_values, method_answer
    from goldensample.station.records.rows import Record

    texts = {"product": "part", "name": "a", "source": "api", "operator": "", "note": ""}
    record = Record(
        **texts,
        time=0.0,
        milliseconds=1.0,
        verdict=None,
        score=math.nan,
        p_value=None,
        limit_score=None,
        limit_review=None,
        limit_pixel=None,
        regions=[],
        height=1,
        width=1,
        revision=0,
        file_sha256="",
        picture_sha256="",
        picture_bytes=0,
        heat_sha256=None,
    )
    values = data_values(record)
    for name in ("Score", "Threshold", "PValue"):
        assert values[name].StatusCode.value == ua.StatusCodes.BadNoData
    numbers = [one.Value for one in method_answer(record) if isinstance(one.Value, float)]
    assert len(numbers) == 3
    assert all(map(math.isnan, numbers))


def test_who_is_let_in(product, tmp_path, port):
    endpoint = f"opc.tcp://127.0.0.1:{port}"

    async def policies() -> tuple[str, set[str], set[str]]:
        found = await Client(endpoint).connect_and_get_server_endpoints()
        tokens = {token.TokenType.name for one in found for token in one.UserIdentityTokens}
        uris = {one.SecurityPolicyUri.rpartition("#")[2] for one in found}
        return found[0].Server.ApplicationUri, uris, tokens

    async def enter(name: str, password: str) -> str:
        client = Client(endpoint)
        client.set_user(name)
        client.set_password(password)
        await client.set_security(SecurityPolicyBasic256Sha256, *client_files(tmp_path))
        async with client:
            await read(client, "Verdict")
        return "in"

    with run_station(tmp_path / "open", [product], "--opcua", endpoint):
        uri, found, tokens = asyncio.run(policies())
        assert (found, tokens) == ({"None"}, {"Anonymous"})
        assert socket.gethostname() in uri
        assert str(port) in uri
    options = ("--opcua", endpoint, "--opcua-encrypt", "--opcua-user", "plc:secret")
    with run_station(tmp_path / "kept", [product], *options):
        _, found, tokens = asyncio.run(policies())
        assert (found, tokens) == ({"Basic256Sha256"}, {"UserName"})
        assert asyncio.run(enter("plc", "secret")) == "in"
        for name, password in (("plc", "wrong"), ("admin", "secret"), ("nobody", "")):
            with pytest.raises(ua.UaStatusCodeError):
                asyncio.run(enter(name, password))


def client_files(folder: Path) -> tuple[str, str]:
    """Make a certificate and a key of a client."""
    from goldensample.station.outputs.opcua_security import _make_certificate

    certificate, key = folder / "client.der", folder / "client.pem"
    if not key.exists():
        _make_certificate(certificate, key, "urn:client")
    return str(certificate), str(key)


def test_a_port_in_use_is_one_sentence(product, tmp_path, port):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        number = taken.getsockname()[1]
        for option, words in (
            (["--opcua", f"opc.tcp://127.0.0.1:{number}"], "the OPC UA server must listen at"),
            (["--port", str(number)], f"the station must listen at 127.0.0.1, port {number}"),
        ):
            with (
                pytest.raises(AssertionError, match=words) as error,
                run_station(tmp_path / option[0], [product], *option),
            ):
                pass
            said = str(error.value)
            assert "Traceback" not in said
            assert "the station is at" not in said
            assert said.count("golden: ") == 1


def test_state_machines_have_states_of_the_companion_specification(product, tmp_path, port):
    """Browsed as a client does: by names, with the identifiers and numbers of the states."""
    endpoint = f"opc.tcp://127.0.0.1:{port}"

    async def current(client: Client, space: int, *names: str) -> tuple:
        path = ["0:Objects", f"{space}:GoldenSample", *(f"{space}:{name}" for name in names)]
        machine = await client.nodes.root.get_child(path)
        state = await machine.get_child("0:CurrentState")
        text, number = (
            await state.read_value(),
            await (await state.get_child("0:Number")).read_value(),
        )
        node = client.get_node(await (await state.get_child("0:Id")).read_value())
        kind = client.get_node(await machine.read_type_definition())
        base = (await kind.get_parent()).nodeid.Identifier
        own_number = await (await node.get_child("0:StateNumber")).read_value()
        assert (await node.read_browse_name()).Name == text.Text
        assert (number, base) == (own_number, ua.ObjectIds.FiniteStateMachineType)
        states = [
            (await one.read_browse_name()).Name
            for one in await machine.get_children()
            if (await one.read_type_definition()).Identifier == ua.ObjectIds.StateType
        ]
        return text.Text, number, states

    async def look() -> tuple:
        async with Client(endpoint) as client:
            space = await client.get_namespace_index("urn:goldensample:station")
            vision = await current(client, space, "VisionStateMachine")
            names = ("VisionStateMachine", "AutomaticModeStateMachine")
            state = client.get_node(f"ns={space};s=VisionStateMachine.Number")
            with pytest.raises(Exception, match=r"(?i)denied|writ"):
                await state.write_value(ua.Variant(1, ua.VariantType.UInt32))
            return vision, await current(client, space, *names)

    async def mode() -> str:
        async with Client(endpoint) as client:
            space = await client.get_namespace_index("urn:goldensample:station")
            node = client.get_node(f"ns={space};s=AutomaticModeStateMachine.CurrentState")
            text = (await node.read_data_value(raise_on_bad_status=False)).Value.Value
            return text.Text if text else ""

    with run_station(tmp_path / "kept", [product], "--opcua", endpoint):
        wait(lambda: asyncio.run(mode()) == "Ready")
        vision, automatic = asyncio.run(look())
    assert vision == ("Operational", 4, ["Preoperational", "Halted", "Error", "Operational"])
    states = ["Initialized", "Ready", "SingleExecution", "ContinuousExecution"]
    assert automatic == ("Ready", 6, states)


def test_a_station_in_trouble_is_in_the_state_error(product, tmp_path, port):
    endpoint = f"opc.tcp://127.0.0.1:{port}"
    away = ("--camera", "front=http://127.0.0.1:9/stream", "--every", "0")

    async def states() -> list[ua.DataValue]:
        async with Client(endpoint) as client:
            space = await client.get_namespace_index("urn:goldensample:station")
            names = ("VisionStateMachine", "AutomaticModeStateMachine")
            nodes = [client.get_node(f"ns={space};s={name}.CurrentState") for name in names]
            return await client.read_attributes(nodes, ua.AttributeIds.Value)

    with run_station(tmp_path / "kept", [product], "--opcua", endpoint, *away) as station:
        wait(lambda: connection(station.client, "camera")["state"] == "trouble")

        def shown() -> bool:
            vision, automatic = asyncio.run(states())
            is_active = automatic.StatusCode.value != ua.StatusCodes.BadStateNotActive
            return vision.Value.Value.Text == "Error" and not is_active

        wait(shown)
