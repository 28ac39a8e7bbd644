"""Results to render and to store."""

from gradhealth.schemas.analysis import (
    LayerStatistics,
    LayerTheory,
    Result,
    Spread,
    Stages,
    Theory,
)
from gradhealth.schemas.curve import Curve, LayerCurve
from gradhealth.schemas.finding import Cause, Evidence, Finding
from gradhealth.schemas.fix import Fix, Measurement, ScreenedOut, Trial
from gradhealth.schemas.sign import Sign

NAN, INFINITY = float("nan"), float("inf")


def a_result(**changes):
    """A result with something in every part, not all of it finite."""
    result = Result(
        verdict="critical",
        primary="vanishing_gradient",
        summary="Gradients vanish.",
        findings=[
            Finding(
                problem="vanishing_gradient",
                severity="critical",
                confidence=0.9,
                layers=["model.0.1"],
                evidence=[
                    Evidence(statistic="backward_gain", value=1e-12, spread=NAN),
                    Evidence(statistic="loss", value=INFINITY, threshold=1.0),
                ],
                cause=Cause(kind="activation", layers=["model.0.1"], text="sigmoid"),
                explanation="Each sigmoid takes at least three quarters away.",
            ),
            Finding(
                problem="stalled_training",
                severity="warning",
                confidence=0.5,
                cause=Cause(kind="unknown", text="-"),
                explanation="-",
                consequence_of="vanishing_gradient",
            ),
        ],
        signs=[
            Sign(
                name="memory_horizon",
                text="1 % is left after 6 steps.",
                value=INFINITY,
                unit="time steps",
                layers=["model.0.1"],
                step=3,
            )
        ],
        layers=[
            LayerStatistics(
                path="model.0.0",
                type="Linear",
                depth=0,
                backward_gain=Stages(
                    start=Spread(mean=1e-300, spread=0.1),
                    end=Spread(mean=NAN, spread=INFINITY),
                ),
                grad_norm=Stages(middle=Spread(mean=-INFINITY)),
                weight_norm=Stages(),
            ),
            LayerStatistics(path="model.0.1", type="Sigmoid", depth=1),
        ],
        curves={"loss": Curve(steps=[0, 1], mean=[2.3, NAN], spread=[None, 0.1])},
        layer_curves={
            "grad_norm": LayerCurve(
                steps=[0, 1], layers=["model.0.0"], mean=[[1e-9], [None]]
            )
        },
        theory=Theory(
            layers=[LayerTheory(path="model.0.0", factor=0.25)], backward_gain=1e-12
        ),
        fixes=[
            Fix(
                name="replace_activation_relu",
                title="ReLU",
                why="because",
                spec={"model": [], "input": {"shape": [1]}},
                patch=[{"op": "replace", "path": "/model", "value": []}],
                snippet="nn.ReLU()",
                trial=Trial(
                    verified=True,
                    seeds=[0, 1],
                    lr_multiplier=0.3,
                    before=Measurement(progress=0.01, loss_last=NAN),
                    after=Measurement(
                        progress=0.97,
                        loss=Curve(steps=[0], mean=[2.3], spread=[0.1]),
                    ),
                    gain=0.97,
                ),
            ),
            Fix(
                name="clip_gradients",
                title="Clip",
                why="because",
                trial=Trial(
                    verified=False,
                    screened_out=ScreenedOut(
                        why="no signal", statistic="log10_j", value=-INFINITY
                    ),
                ),
            ),
            Fix(name="advice", title="Advice", why="because"),
        ],
        notes=["an init rule matches nothing"],
    )
    return result.model_copy(update=changes)
