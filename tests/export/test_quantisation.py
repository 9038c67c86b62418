from keras_reid.export.flatbuffer import Operation
from keras_reid.export.quantisation import input_is_plain, left_in_float


def op(name, inputs, output, weights=None, activation=0):
    constants = {} if weights is None else {900 + output: weights}
    return Operation(name, tuple(inputs), (output,), (f"t{output}",), constants, activation)


def in_float(*graph, output="float32"):
    return [operation.output_names[0] for operation in left_in_float(list(graph), output)]


BIG = (256, 1, 1, 256)


def test_plain_convolutions_are_quantised():
    graph = (op("CONV_2D", [0], 1, BIG), op("MAX_POOL_2D", [1], 2), op("CONV_2D", [2], 3, BIG))
    assert in_float(*graph) == []


def test_dense_layers_stay_with_what_only_serves_them():
    graph = (
        op("CONV_2D", [0], 1, BIG),
        op("CONV_2D", [1], 2, BIG),
        op("MEAN", [2], 3),
        op("FULLY_CONNECTED", [3], 4, (512, 256)),
    )
    assert in_float(*graph) == ["t3", "t4"]
    # The output in int8 takes the last one along, and what serves it.
    assert in_float(*graph, output="int8") == []


def test_depthwise_convolutions_stay_with_what_reads_them():
    graph = (
        op("CONV_2D", [0], 1, BIG),
        op("CONV_2D", [1], 2, BIG),
        op("DEPTHWISE_CONV_2D", [2], 3, (1, 3, 3, 256)),
        op("CONV_2D", [3], 4, BIG),
        op("CONV_2D", [4], 5, BIG),
    )
    assert in_float(*graph) == ["t3", "t4"]


def test_what_has_no_integer_kernel_stays_with_all_that_only_serves_it():
    # MEAN -> TANH -> ADD -> ABS -> product -> CONV: the chain of positions stays in float32 from end to end.
    graph = (
        op("CONV_2D", [0], 1, BIG),
        op("MEAN", [1], 2),
        op("TANH", [2], 4),
        op("ADD", [4], 5),
        op("ABS", [5], 6),
        op("BATCH_MATMUL", [6, 1], 7),
        op("CONV_2D", [7], 8, BIG),
    )
    assert in_float(*graph) == ["t2", "t4", "t5", "t6", "t7"]


def test_the_end_of_the_network_stays_where_the_output_is_float32():
    graph = (
        op("CONV_2D", [0], 1, BIG),
        op("SQUARE", [1], 2),
        op("SUM", [2], 3),
        op("RSQRT", [3], 4),
        op("MUL", [1, 4], 5),
        op("RESHAPE", [5], 6),
    )
    assert in_float(*graph) == ["t2", "t3", "t4", "t5", "t6"]
    assert in_float(*graph, output="int8") == ["t2", "t3", "t4"]


def test_a_convolution_between_single_channels_stays():
    # Its int8 kernel in the XNNPACK delegate writes past its memory.
    assert in_float(op("CONV_2D", [0], 1, (1, 3, 3, 1)), op("CONV_2D", [1], 2, (64, 1, 1, 1))) == ["t1"]
    assert in_float(op("CONV_2D", [0], 1, (1, 3, 3, 2)), op("CONV_2D", [1], 2, (64, 1, 1, 1))) == []


def test_element_wise_operations_between_integers_are_quantised():
    graph = (
        op("CONV_2D", [0], 1, BIG),
        op("LOGISTIC", [1], 2),
        op("MUL", [1, 2], 3),
        op("CONV_2D", [3], 4, BIG),
    )
    assert in_float(*graph) == []


def test_input_is_plain():
    from numpy import int8, uint8

    assert input_is_plain({"dtype": uint8, "quantization": (1.0, 0)})
    assert not input_is_plain({"dtype": uint8, "quantization": (0.99, 0)})
    assert not input_is_plain({"dtype": int8, "quantization": (1.0, -128)})
