"""benchmarks/bench, the parts that measure nothing: statistics, targets, the server's configuration, the report."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import attrs
import pytest

from anam_facade.sandbox import Sandbox

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from bench import clients, footprint, latency, machine, report, servers, targets, throughput
from bench.latency import BASE, CLOSED, COLD, IDLE_300, WARM, WARMED
from bench.stats import Figure, Verdict, ratios

if TYPE_CHECKING:
    from collections.abc import Sequence


def test_a_figure_is_the_median_and_the_noise_half_the_distance_between_the_quartiles() -> None:
    figure = Figure.of([5.0, 1.0, 4.0, 2.0, 3.0])

    assert (figure.median, figure.low, figure.high, figure.rounds) == (3.0, 2.0, 4.0, 5)
    assert figure.noise == 1.0
    assert figure.text(2) == "3.00 ± 1.00"


def test_one_round_says_nothing_about_the_noise() -> None:
    assert Figure.of([7.0]).text(1) == "7.0 ± ?"
    with pytest.raises(ValueError, match="no rounds"):
        Figure.of([])


def test_a_figure_can_be_told_in_another_unit_even_a_negative_one() -> None:
    assert Figure.of([1.0, 2.0, 3.0]).scaled(20) == Figure(40.0, 30.0, 50.0, 3)
    assert Figure.of([1.0, 2.0, 3.0]).scaled(-1) == Figure(-2.0, -2.5, -1.5, 3)


def test_ratios_are_taken_round_by_round() -> None:
    """A slow spell that hits both in one round leaves the ratio alone; the ratio of the medians would show it."""
    assert ratios([100.0, 10.0, 90.0], [50.0, 5.0, 45.0]) == Figure(2.0, 2.0, 2.0, 3)
    with pytest.raises(ValueError, match="2 rounds against 1"):
        ratios([1.0, 2.0], [1.0])


def verdict(values: Sequence[float], limit: float, *, at_most: bool) -> Verdict:
    return Verdict(name="it", limit=limit, at_most=at_most, figure=Figure.of(values))


@pytest.mark.parametrize(
    ("values", "limit", "at_most", "outcome"),
    [
        ([1.0, 1.0, 1.0], 1.1, True, "ok"),
        ([1.1, 1.1, 1.1], 1.1, True, "ok"),
        ([1.2, 1.2, 1.2], 1.1, True, "missed"),
        ([1.0, 1.2, 1.4], 1.1, True, "ok within noise"),
        ([1.19, 1.2, 1.21], 1.1, True, "missed"),
        ([4.0, 4.0, 4.0], 4.0, False, "ok"),
        ([3.9, 3.9, 3.9], 4.0, False, "missed"),
        ([3.5, 3.9, 4.3], 4.0, False, "ok within noise"),
        ([3.9], 4.0, False, "missed"),  # one round: no noise to hide behind
    ],
)
def test_a_target_is_missed_by_more_than_the_noise_only(
    values: list[float], limit: float, at_most: bool, outcome: str
) -> None:
    found = verdict(values, limit, at_most=at_most)

    assert found.outcome == outcome
    assert found.met == (outcome != "missed")


def test_what_could_not_be_measured_is_missed() -> None:
    found = Verdict(name="it", limit=1, at_most=True, figure=None)

    assert found.outcome == "missed: not available"
    assert not found.met


# A whole run, made up.


def latencies(**seconds: float) -> dict[latency.Cell, latency.Outcome]:
    """Everything of ours, exactly as fast as round trips allow; `seconds` says otherwise for some kinds."""
    best = {COLD: 3.0, WARMED: 1.0, WARM: 1.0, IDLE_300: 1.0, CLOSED: 3.0}
    found = {}
    for client in clients.ALL.values():
        for kind, trips in best.items():
            took = seconds.get(kind, (trips + (client.mode == "token")) * BASE)
            if client.is_ours:
                found[latency.Cell(client.name, kind, BASE)] = latency.Outcome(seconds=[took] * 3)
    return found


def rates(**per_second: int) -> throughput.Outcomes:
    """Every client with a hundred starts a second, if `per_second` does not say otherwise."""
    return {
        throughput.Cell(name, size): throughput.Outcome(
            rounds=[
                {"starts": rate, "wall": 1.0, "cpu": 0.5, "server_cpu": 0.1, "waited": 0.0, "errors": {}, "begun": size}
                for rate in [per_second.get(name, 100)] * 3
            ]
        )
        for name in clients.ALL
        for size in (32, 256)
    }


def findings(**changes: Any) -> report.Findings:
    parts: dict[str, Any] = {
        "machine": {"CPU": "one"},
        "day": "2026-01-01",
        "kind": "full",
        "load": [0.0, 1.0],
        "latency": latencies(),
        "throughput": rates(**{"httpx, token": 25}),
        "imports": footprint.Imports(
            seconds={footprint.HTTPX: [0.2] * 3, footprint.OURS: [0.1] * 3},
            mebibytes={footprint.HTTPX: [30.0] * 3, footprint.OURS: [20.0] * 3},
        ),
        "overhead": {"sync, start": {"bare": [50.0] * 3, "ours": [100.0] * 3}},
        "idle_note": "waited for",
    }
    return report.Findings(**{**parts, **changes})


def missed(found: report.Findings) -> list[str]:
    return [verdict.name for verdict in found.verdicts() if not verdict.met]


def test_a_run_that_meets_every_target_misses_none() -> None:
    found = findings()

    assert missed(found) == []
    assert len(found.verdicts()) == len(targets.ROUND_TRIPS) + 1 + len(targets.RATES) + 2


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"throughput": rates(**{"httpx, token": 26})}, "ours, async, token: starts/s, 256 at a time"),
        (
            {"imports": footprint.Imports(seconds={footprint.HTTPX: [0.2] * 3, footprint.OURS: [0.24] * 3})},
            "import anam_facade",
        ),
        (
            {"overhead": {"a": {"bare": [1.0], "ours": [2.0]}, "b": {"bare": [50.0], "ours": [111.0]}}},
            "the facade over the bare low-level path",
        ),
    ],
)
def test_each_target_can_be_missed(changes: dict[str, Any], name: str) -> None:
    assert missed(findings(**changes)) == [name]


@pytest.mark.parametrize(("name", "mode", "kind", "limit"), targets.ROUND_TRIPS)
def test_the_worst_of_our_clients_counts_for_a_time(name: str, mode: str, kind: str, limit: float) -> None:
    for client in targets.ours(mode):
        found = latencies()
        found[latency.Cell(client.name, kind, BASE)] = latency.Outcome(seconds=[(limit + 0.01) * BASE] * 3)

        (only,) = [verdict for verdict in findings(latency=found).verdicts() if not verdict.met]
        assert (only.name, only.note.partition(";")[0]) == (name, f"worst: {client.name}")


def test_a_start_that_failed_is_a_miss_whatever_the_others_took() -> None:
    found = latencies()
    found[latency.Cell("ours, sync, direct", WARM, BASE)].errors.append("AnamConnectionError: gone")
    found[latency.Cell("ours, async, token", CLOSED, BASE)].errors.append("AnamConnectionError: gone")

    assert missed(findings(latency=found)) == ["warm start, direct", "starts that failed after the server hung up"]


def test_a_client_that_does_not_exist_yet_is_left_out_of_times_and_missed_where_it_is_named() -> None:
    times, rate = latencies(), rates(**{"httpx, token": 25})
    for way, outcome in times.items():
        if way.client.endswith("fast"):
            outcome.seconds, outcome.unavailable = [], "no such transport"
    for cell in rate:
        if cell.client.endswith("fast"):
            rate[cell] = throughput.Outcome(failure="unavailable: no such transport")
    found = findings(latency=times, throughput=rate)

    assert missed(found) == [
        f"ours, async, {mode}, fast: starts/s, {size} at a time" for mode in ("token", "direct") for size in (32, 256)
    ]
    assert "unavailable: no such transport" in found.text()


def test_without_idle_connections_measured_no_verdict_is_given_on_them() -> None:
    names = [verdict.name for verdict in findings(idle_note="").verdicts()]

    assert "start after 5 min idle, direct" not in names


def test_the_report_tells_the_targets_first_and_is_json_too() -> None:
    found = findings()
    text = found.text()

    assert text.index("## Targets") < text.index("## Time to a started session") < text.index("## Throughput")
    assert "| ours, async, token " in text
    assert "4.00 ± 0.00" in text  # times httpx, which made 25 to ours 100
    told = json.loads(json.dumps(found.as_json()))
    assert [target["outcome"] for target in told["targets"]] == ["ok"] * len(found.verdicts())
    assert told["latency"][0]["seconds"]


def test_what_is_written_is_rounded_and_a_line_for_all_rounds_and_names_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: drawn.append(command))
    monkeypatch.setattr(clients, "bench_python", lambda: "python")
    found = findings()
    broken = found.latency[latency.Cell("ours, sync, direct", WARM, BASE)]
    broken.errors.append(f"OSError: {clients.ROOT}/x")
    broken.seconds[:] = [0.123456789, 0.2, 0.3]

    report.write(found, tmp_path)

    text = (tmp_path / "bench.json").read_text("utf-8")
    assert '"seconds": [ 0.123457, 0.2, 0.3 ]' in text
    assert "OSError: …/x" in text
    assert json.loads(text)["targets"]
    markdown = (tmp_path / "bench.md").read_text("utf-8")
    assert "OSError: …/x" in markdown
    assert markdown.index("## Targets") < markdown.index("![") < markdown.index("## Time to a started session")
    assert [command[2:] for command in drawn] == [[str(tmp_path / "bench.json"), str(tmp_path)]]


def test_a_client_that_had_to_wait_for_a_core_is_marked() -> None:
    found = rates()
    cell = throughput.Cell("aiohttp, direct", 32)
    for said in found[cell].rounds:
        said["waited"] = 0.4

    marked = [row for row in throughput.rows(found) if "waited" in row[-1]]
    assert [row[:2] for row in marked] == [["aiohttp, direct", "32"]]
    assert marked[0][-1] == "waited for a core 40% of the time"


def test_a_table_keeps_its_columns_whatever_is_in_them() -> None:
    text = report.table(["a", "b"], [["1|2", "3\n4"]])

    assert text.splitlines() == ["| a    | b   |", "|------|-----|", "| 1\\|2 | 3 4 |"]


# The server.


def test_the_servers_configuration_names_its_ports_and_answers_and_nothing_of_the_system() -> None:
    text = servers.nginx_config("folder", (1001, 1002, 1003), files=4096)

    assert re.findall(r"listen (\S+)( ssl)? backlog", text) == [
        ("127.0.0.1:1001", ""),
        ("127.0.0.1:1002", " ssl"),
        ("127.0.0.1:1003", " ssl"),
    ]
    assert re.findall(r"keepalive_timeout (\d+)s", text) == ["3600", "3600", "2"]
    assert "worker_connections 4032;" in text
    assert text.count("{") == text.count("}")
    assert set(re.findall(r"(?:path|pid|certificate|certificate_key) (/?\w+)/", text)) == {"folder"}
    answers = [json.loads(answer) for answer in re.findall(r"return 20[01] '(.*)';", text)]
    assert answers[1::2] == [servers.SESSION] * 3
    assert all(answer["sessionToken"].count(".") == 2 for answer in answers[::2])


def test_without_nginx_one_line_says_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)

    with pytest.raises(SystemExit) as exit_:
        servers.find_nginx()
    assert str(exit_.value) == servers.NGINX_NEEDED
    assert "apt-get install nginx" in servers.NGINX_NEEDED


# The programs that run in processes of their own.


@pytest.mark.parametrize(
    "name",
    ["ours, async, token", "ours, sync, direct", "httpx, direct", "httpx, sync, token", "generated client, token"],
)
def test_a_clients_program_starts_sessions_and_counts_them(name: str) -> None:
    """Against the sandbox, which counts them too. The other clients need environments of their own."""
    with Sandbox(api_key=clients.KEY) as sandbox:
        said = clients.measure(
            clients.ALL[name],
            do="throughput",
            base_url=sandbox.base_url,
            server=os.getpid(),
            at_a_time=2,
            seconds=0.05,
            run_up=0.0,
            patience=30.0,
        )
        started = len(sandbox.sessions)

    assert said["errors"] == {}
    assert said["begun"] == 2
    assert 0 < said["starts"] < started  # those before the measuring, and those cut short by its end
    assert said["cpu"] > 0


def test_a_client_that_cannot_do_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    client = attrs.evolve(clients.ALL["ours, async, token"], transport=cast("Any", "no such thing"))
    said = clients.measure(client, do="first", base_url="http://127.0.0.1:1")

    assert "transport" in said["unavailable"]


def test_a_program_that_fails_is_told_by_its_last_words() -> None:
    with pytest.raises(clients.FailedError, match="KeyError: 'nothing'"):
        clients.measure(clients.ALL["ours, async, token"], do="nothing", base_url="http://127.0.0.1:1")


def test_the_proxy_passes_everything_on_in_order_and_hangs_up_when_the_other_end_does() -> None:
    heard = bytearray()
    said = b"".join(number.to_bytes(2, "big") for number in range(50_000))

    def listen(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            while len(heard) < len(said):
                heard.extend(connection.recv(65_536))
            connection.sendall(b"answer")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=listen, args=(listener,))
        thread.start()
        with (
            servers.delays(listener.getsockname()[1], [0.002]) as ports,
            socket.create_connection(("127.0.0.1", ports[0.002]), timeout=30) as client,
        ):
            client.sendall(said)
            answer = b""
            while more := client.recv(65_536):
                answer += more
        thread.join(30)

    assert bytes(heard) == said
    assert answer == b"answer"


def test_the_facades_overhead_is_measured_call_by_call(root: Path) -> None:
    command = [sys.executable, str(root / "benchmarks" / "bench" / "overhead.py"), "1", "3"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)

    found = json.loads(done.stdout)
    calls = ("mint a token", "start with a token", "start directly")
    assert set(found) == {f"{kind}, {call}" for kind in ("sync", "async") for call in calls}
    assert done.stderr == ""


# What is measured, and with what.


def test_every_cell_names_a_client_that_there_is() -> None:
    named = {*throughput.TOKEN, *throughput.DIRECT, *throughput.THREADS, *footprint.KEPT_OPEN, *footprint.UNDER_WAY}
    named |= {client for wanted in targets.RATES for client in wanted[:2]}
    named |= {client for client, _ in footprint.PROGRAMS.values()}

    assert named <= set(clients.ALL)
    assert {client for client in clients.ALL.values() if client.is_ours} == {
        client for mode in ("token", "direct", "minted") for client in targets.ours(mode)
    }


def test_a_clients_process_gets_no_keys_and_no_proxies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HTTPS_PROXY", "no_proxy", "ANAM_API_KEY", "PYTHONPATH"):
        monkeypatch.setenv(name, "x")

    given = clients.environment(clients.ALL["anam 0.12, direct"], tmp_path)

    assert not {"HTTPS_PROXY", "no_proxy", "ANAM_API_KEY", "PYTHONPATH"} & set(given)
    assert given["SSL_CERT_FILE"] == str(tmp_path)


def test_the_description_of_the_machine_names_neither_host_nor_folder() -> None:
    told = "\n".join(machine.describe("nginx/1").values())

    assert "anam-facade" in told
    assert "livekit-plugins-anam 1.8.9" in told
    assert "pyreqwest" in told
    assert str(clients.ROOT) not in told


def test_the_lock_of_the_benchmarks_environment_is_exact_and_hashed() -> None:
    text = clients.LOCK.read_text("utf-8").replace("\\\n", " ")
    entries = [line for line in text.splitlines() if line and not line.startswith("#")]

    assert {"aiohttp", "matplotlib", "pyreqwest", "trustme"} <= {entry.partition("==")[0] for entry in entries}
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}\b", entry), entry


def test_help_tells_how_long_it_takes_and_what_check_does(root: Path) -> None:
    command = [sys.executable, str(root / "benchmarks" / "bench"), "--help"]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)

    assert "twelve minutes" in done.stdout
    assert "exits with 1" in done.stdout
