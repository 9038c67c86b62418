import json

import numpy as np
import pytest


def test_the_chain_counts_what_it_says(benchmark, tmp_path):
    from keras_reid.export.flatbuffer import Graph

    benchmark.build_chain(tmp_path / "chain.tflite")
    operations = Graph((tmp_path / "chain.tflite").read_bytes()).operations
    assert {operation.name for operation in operations} == {"CONV_2D"}
    assert [operation.activation for operation in operations] == [1] * 8
    assert sum(operation.size for operation in operations) * 80 * 32 == benchmark.CHAIN_MULTIPLY_ADDS == 335_544_320


def test_rounds_take_turns(benchmark):
    order = []
    measured = [
        benchmark.Measured(name, 1, lambda name=name: order.append(name), size=1) for name in ("first", "second")
    ]
    benchmark.measure(measured, rounds=3, runs=2)
    # One round more than asked for warms up; in each a warm-up run and two timed ones.
    assert order == (["first"] * 3 + ["second"] * 3) * 4
    assert [len(one.seconds) for one in measured] == [6, 6]


def test_ratios_and_share_of_the_chain(benchmark):
    first = benchmark.Measured("a", 1, None, seconds=[0.010, 0.008, 0.012], size=8_000_000, memory=20.0)
    second = benchmark.Measured("b", 1, None, seconds=[0.005, 0.004, 0.009], size=2_000_000, multiply_adds=1e8)
    other_threads = benchmark.Measured("b", 2, None, seconds=[0.003], size=2_000_000)
    # The chain does 335.5 million in 5 ms: 67.1 a second; 1e8 in 5 ms is 20 a second, 29.8 % of it.
    chain = benchmark.Measured("chain", 1, None, seconds=[0.005])
    rows = benchmark.table([first, second, other_threads], {1: chain})
    assert rows[0]["latency_ratio"] == 1
    assert (rows[1]["median_ms"], rows[1]["min_ms"], rows[1]["latency_ratio"]) == (5.0, 4.0, 0.5)
    assert rows[1]["size_ratio"] == 0.25
    assert rows[1]["gmacs_per_s"] == pytest.approx(20)
    assert rows[1]["of_chain"] == pytest.approx(1e8 / 335_544_320)
    assert rows[2]["latency_ratio"] == 1  # the first with two threads
    text = benchmark.printed(rows).splitlines()
    assert text[2] == "| a | 1 | 10.00 | 8.00 | 1.00 | 8.00 | 1.00 | 20 | - | - |"
    assert text[3] == "| b | 1 | 5.00 | 4.00 | 0.50 | 2.00 | 0.25 | - | 20.0 | 29.8% |"


def test_end_to_end(benchmark, files, tmp_path, capsys):
    chain = tmp_path / "chain.tflite"
    assert benchmark.main(["--build-chain", str(chain)]) == 0
    assert not list(tmp_path.glob(".*"))
    given = [str(files["float32"]), str(files["int8"]), "--threads", "1", "--rounds", "2", "--runs", "2", "--json"]
    assert benchmark.main([*given, "--multiply-adds", "1e5", "1e5", "--chain", str(chain)]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["file"] for row in rows] == ["float32.tflite", "int8.tflite"]
    for row in rows:
        assert 0 < row["min_ms"] <= row["median_ms"]
        assert row["of_chain"] > 0
        assert 0 < row["memory_mib"] < 500
    assert rows[1]["size_mb"] == files["int8"].stat().st_size / 1e6


def test_an_onnx_file_beside_it(benchmark, files, model, crops, tmp_path, capsys):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    from keras_reid import export

    export.to_onnx(model, tmp_path / "small.onnx", images=crops)
    given = [str(files["float32"]), "--onnx", str(tmp_path / "small.onnx"), "--threads", "1", "--rounds", "1"]
    assert benchmark.main([*given, "--no-memory", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["file"], row["memory_mib"]) for row in rows] == [("float32.tflite", None), ("small.onnx", None)]
    assert "of_chain" not in rows[0]


def test_wrong_usage(benchmark, files, capsys):
    for given, message in (
        ([], "expected at least one .tflite file"),
        (["nowhere.tflite"], "no such file: nowhere.tflite"),
        ([str(files["float32"]), "--chain", "gone.tflite"], "no such file: gone.tflite"),
        (
            [str(files["float32"]), "--threads", "0"],
            "argument --threads: expected a whole number above 0, received '0'",
        ),
        ([str(files["float32"]), "--runs", "0"], "argument --runs: expected a whole number above 0, received '0'"),
        (
            [str(files["float32"]), "--multiply-adds", "1", "2"],
            "expected one number of --multiply-adds for each of the 1 .tflite files. Received: 2",
        ),
    ):
        with pytest.raises(SystemExit) as stopped:
            benchmark.main(given)
        assert stopped.value.code == 2
        assert capsys.readouterr().err.strip().endswith(message)


def test_input_is_fixed_and_within_the_pixels(benchmark):
    first, second = (benchmark.random_input((1, 4, 4, 3), np.uint8) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.dtype == np.uint8
    assert benchmark.random_input((2,), np.int8).min() >= 0
