"""Who may do what at a station: tokens, roles, other sites, rates, headers, names and sizes."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from starlette.testclient import TestClient
from station_parts import open_station, picture

from goldensample.station.settings import Settings
from goldensample.station.web import access
from goldensample.station.web.access import LOGIN_ATTEMPTS, SECURITY_HEADERS, RateLimiter

ENGINEER, OPERATOR = "engineer-secret", "operator-secret"
TOKENS = {ENGINEER: "engineer", OPERATOR: "operator"}


@pytest.fixture(scope="module")
def client(product, tmp_path_factory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("open") / "kept"
    limits = {"limit_bytes": 100_000, "limit_px": 10_000}
    with open_station(folder, product, **limits) as one:
        yield one


@pytest.fixture(scope="module")
def guarded(product, tmp_path_factory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("guarded") / "kept"
    with open_station(folder, product, tokens=TOKENS, host="0.0.0.0") as one:
        yield one


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_a_station_for_others_must_have_tokens(tmp_path):
    with pytest.raises(ValueError, match="must have tokens"):
        Settings(folder=tmp_path, host="0.0.0.0")
    with pytest.raises(ValueError, match="12 characters"):
        Settings(folder=tmp_path, tokens={"short": "engineer"})
    with pytest.raises(ValueError, match="role"):
        Settings(folder=tmp_path, tokens={ENGINEER: "boss"})


def test_without_a_token_nothing_is_told(guarded):
    open_paths = ("/login", "/api/login", "/static")
    known = guarded.get("/api/openapi.json", headers=bearer(OPERATOR)).json()["paths"]
    for path, methods in known.items():
        for method in methods:
            answer = guarded.request(method, path.replace("{", "1").replace("}", ""))
            assert answer.status_code == 401 or path.startswith(open_paths), path
    for path in (
        "/",
        "/inbox",
        "/history",
        "/records/1",
        "/static/%2e%2e/api/records",
    ):
        assert guarded.get(path).status_code in (303, 404)
    assert guarded.get("/api/records", headers=bearer("wrong")).status_code == 401
    assert guarded.get("/api/records", headers={"authorization": ENGINEER}).status_code == 401


def test_an_operator_inspects_and_an_engineer_changes(guarded):
    for token in TOKENS:
        data = picture(200, defect=True)
        found = guarded.post("/api/inspect/part", content=data, headers=bearer(token))
        assert found.status_code == 200
    wanted = {"false_alarms": 0.1, "revision": 0}
    path = "/api/products/part/limits"
    assert guarded.post(path, json=wanted, headers=bearer(OPERATOR)).status_code == 403
    assert guarded.post("/api/drafts", json={}, headers=bearer(OPERATOR)).status_code == 403
    assert guarded.post(path, json=wanted, headers=bearer(ENGINEER)).status_code == 200


def test_a_session_ends_when_one_leaves(guarded):
    entered = guarded.post("/api/login", json={"name": "Ada", "token": OPERATOR})
    assert entered.json() == {"name": "Ada", "role": "operator"}
    cookie = entered.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict"))
    assert OPERATOR not in cookie
    session = dict(guarded.cookies)
    assert guarded.get("/api/records").status_code == 200
    guarded.post("/api/logout")
    guarded.cookies.update(session)  # what a thief would have kept
    assert guarded.get("/api/records").status_code == 401
    guarded.cookies.clear()


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    """A clock that stands still until a test sets it."""
    clock = SimpleNamespace(now=1000.0)
    stands = SimpleNamespace(monotonic=lambda: clock.now)
    monkeypatch.setattr(access, "time", stands)
    return clock


def test_wrong_tokens_are_limited(product, tmp_path, clock):
    with open_station(tmp_path / "kept", product, tokens=TOKENS) as client:
        tries = [
            client.post("/api/login", json={"token": f"wrong{n}"}) for n in range(LOGIN_ATTEMPTS)
        ]
        assert {one.status_code for one in tries} == {401}
        late = client.post("/api/login", json={"token": ENGINEER})
        assert (late.status_code, late.headers["retry-after"]) == (429, "60")
        assert client.get("/api/records", headers=bearer("wrong")).status_code == 429
        assert client.get("/api/records", headers=bearer(ENGINEER)).status_code == 200
        clock.now += 60
        assert client.post("/api/login", json={"token": ENGINEER}).status_code == 200


def test_requests_are_limited(product, tmp_path, clock):
    with open_station(tmp_path / "kept", product, per_minute=5) as client:
        found = [client.get("/api/products").status_code for _ in range(7)]
        clock.now += 12  # a fifth of a minute
        found += [client.get("/api/products").status_code for _ in range(2)]
    assert found == [*[200] * 5, 429, 429, 200, 429]


def test_a_rate_forgets_the_oldest_address_alone(clock):
    rate = RateLimiter(1)
    rate.count("a")
    assert (rate.exceeded("a"), rate.exceeded("b")) == (True, False)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8080", "127.0.0.1.evil.example", "[", ""]
)
def test_another_name_of_this_machine_is_refused(client, host):
    assert client.get("/api/products", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080"])
def test_this_machine_is_answered(client, host):
    assert client.get("/api/products", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://evil.example"},
        {"origin": "http://localhost:9999"},
        {"origin": "null"},
        {"origin": "http://["},
    ],
)
def test_another_site_changes_nothing(client, headers):
    for method, path in (("POST", "/api/feedback"), ("DELETE", "/api/feedback/1"), ("PUT", "/")):
        assert client.request(method, path, headers=headers).status_code == 403
    answer = client.post("/api/inspect/part", content=picture(1), headers=headers)
    assert answer.status_code == 403


def test_our_own_pages_and_programs_may(client):
    for headers in ({"sec-fetch-site": "same-origin"}, {"origin": "http://localhost:8080"}, {}):
        answer = client.post("/api/inspect/part", content=picture(1), headers=headers)
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/api/products", 200),
        ("GET", "/static/station.css", 200),
        ("GET", "/static/none.css", 404),
        ("GET", "/none", 404),
        ("POST", "/api/products", 405),
        ("GET", "/api/records?limit=0", 422),
        ("GET", "/api/records/999", 404),
    ],
)
def test_every_answer_has_the_headers(client, method, path, status):
    answer = client.request(method, path)
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "cache-control" in answer.headers
    assert "server" not in answer.headers


def test_refusals_have_the_headers_too(client, guarded):
    refused = client.get("/", headers={"host": "evil.example"})
    for answer in (refused, guarded.get("/api/records"), guarded.get("/")):
        assert {name: answer.headers.get(name) for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_bytes_are_limited_with_and_without_a_length(client):
    assert client.post("/api/inspect/part", content=bytes(100_001)).status_code == 413

    def chunks():
        for _ in range(11):
            yield bytes(10_000)

    answer = client.post("/api/inspect/part", content=chunks())
    assert "content-length" not in answer.request.headers
    assert answer.status_code == 413
    words = {"content-length": "9" * 30}
    assert client.post("/api/inspect/part", content=b"a", headers=words).status_code == 413


def png(height: int, width: int) -> bytes:
    """A black PNG that is small as a file, with text behind its pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes((width + 1) * height), 9)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"tEXt", b"a\0b")
    return b"\x89PNG\r\n\x1a\n" + parts + chunk(b"IEND", b"")


def test_pixels_are_limited(client):
    assert client.post("/api/inspect/part", content=png(100, 100)).status_code == 200
    answer = client.post("/api/inspect/part", content=png(3000, 3000))
    assert answer.status_code == 413
    assert "3,000x3,000" in answer.json()["error"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/..%5capp.py",
        "/static/%00",
        "/api/records/..%2f..%2fetc/picture",
        "/api/products/..%2f..%2fpart/limits",
        "/api/products/%2fetc%2fpasswd/pictures/0",
        "/api/drafts/..%2f..%2fetc",
    ],
)
def test_no_path_of_a_request_reaches_the_disk(client, path):
    answer = client.get(path)
    assert answer.status_code in (404, 422)
    assert "root:" not in answer.text
    assert "FastAPI" not in answer.text


def test_names_are_kept_as_words_alone(client):
    for name in (
        "../../etc/passwd",
        "/etc/passwd",
        "C:\\a.png",
        "a\r\nset-cookie: b",
        "<b>",
        "=1+1",
    ):
        answer = client.post("/api/inspect/part", params={"name": name}, content=picture(1))
        assert answer.json()["name"] == name
    folder = client.app.state.station.archive.folder
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert all(len(name) == 64 for name in names)
    assert client.get("/api/records.csv").text.count("'=1+1") == 1
    for key in ("..", "../part", "/part", "part%00", "PART.golden"):
        assert client.post(f"/api/inspect/{key}", content=picture(1)).status_code in (404, 405)


def test_no_answer_tells_a_place_on_the_disk(client, product):
    station = client.app.state.station
    first = client.post("/api/inspect/part", content=picture(300, defect=True)).json()
    broken = picture(300)[:-20]
    answers = [client.post("/api/inspect/part", content=broken)]
    answers += [client.get("/api/products"), client.get("/api/health"), client.get("/")]
    answers += [client.get(f"/records/{first['id']}"), client.get("/api/records")]
    whole = product.read_bytes()
    try:
        product.write_bytes(whole[:-5])
        said = {"record": first["id"], "answer": "good"}
        answers.append(client.post("/api/feedback", json=said))
        assert answers[-1].status_code == 409
    finally:
        product.write_bytes(whole)
    station.archive.path(first["picture_sha256"]).write_bytes(b"damaged")
    answers.append(client.get(f"/api/records/{first['id']}/picture"))
    station.archive.delete(first["picture_sha256"])
    answers.append(client.get(f"/api/records/{first['id']}/picture"))
    assert [one.status_code for one in answers[-2:]] == [422, 410]
    station.archive.path(first["heat_sha256"]).write_bytes(b"PK damaged")
    answers.append(client.get(f"/api/records/{first['id']}/heat"))
    assert answers[-1].status_code == 409
    for answer in answers:
        for folder in (product.parent, station.settings.folder, Path(__file__).parents[1]):
            assert str(folder) not in answer.text
