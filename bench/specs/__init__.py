"""The networks the benchmarks train."""

MLP = {
    "data": {"task": "digits"},
    "input": {"shape": [64]},
    "model": [
        {
            "repeat": 20,
            "body": [{"type": "Linear", "out_features": 128}, {"type": "Sigmoid"}],
        },
        {"type": "Linear", "out_features": 10},
    ],
    "init": [{"match": "Linear.weight", "fn": "xavier_uniform_"}],
}
CONV = {"type": "Conv2d", "out_channels": 16, "kernel_size": 3, "padding": 1}
RESNET = {
    "data": {"task": "digits"},
    "input": {"shape": [1, 8, 8]},
    "model": [
        CONV,
        {"type": "BatchNorm2d"},
        {"type": "ReLU"},
        {
            "repeat": 3,
            "body": [
                {
                    "type": "Residual",
                    "body": [
                        CONV,
                        {"type": "BatchNorm2d"},
                        {"type": "ReLU"},
                        CONV,
                        {"type": "BatchNorm2d"},
                    ],
                    "post": [{"type": "ReLU"}],
                }
            ],
        },
        {"type": "AdaptiveAvgPool2d", "output_size": 1},
        {"type": "Flatten"},
        {"type": "Linear", "out_features": 10},
    ],
}
