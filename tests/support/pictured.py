"""Results with every figure in them, as an analysis would give them."""

import numpy as np

from gradhealth.diagnosis import diagnose
from gradhealth.results import assemble
from gradhealth.schemas.analysis import Durations, Environment, LayerTheory, Theory
from gradhealth.schemas.curve import Curve, LayerCurve
from gradhealth.schemas.fix import Fix, Measurement, ScreenedOut, Trial
from tests.support.traces import NUM_STATIONS, traces

STEPS = list(range(0, 100, 4))


def pictured(*, decades_per_layer=-1.0, progress=0.0, spec=None, **how):
    """Vanishing gradients unless told otherwise, with one fix of each kind."""
    runs = traces(
        decades_per_layer=decades_per_layer,
        progress=progress,
        saturated=0.3,
        temporal=0.7,
        **how,
    )
    result = assemble(
        diagnose(runs, None),
        runs,
        theory=_theory(decades_per_layer),
        fixes=_fixes(spec or {"name": "fixed"}),
        notes=["init rule 'Conv2d.weight' matches no parameter"],
        environment=Environment(
            versions={"gradhealth": "0", "torch": "0"},
            device="cpu",
            seeds=[0, 1, 2],
            durations=Durations(forward=1.0, backward=2.0, total=3.5),
        ),
    )
    return result.model_copy(
        update={"layer_curves": {"grad_norm": _norms(decades_per_layer)}}
    )


def _theory(decades_per_layer):
    paths = [f"model.{2 * i}" for i in range(NUM_STATIONS)]
    back = range(NUM_STATIONS - 1, -1, -1)
    gains = [10.0 ** (depth * decades_per_layer) for depth in back]
    layers = [
        LayerTheory(path=path, factor=10.0**decades_per_layer, backward_gain=gain)
        for path, gain in zip(paths, gains, strict=True)
    ]
    return Theory(
        layers=layers,
        backward_gain=gains[0],
        temporal_factor=0.7,
        caveats=["the width is small"],
    )


def _norms(decades_per_layer):
    rows = [
        [10.0 ** (depth * decades_per_layer) for depth in range(NUM_STATIONS, 0, -1)]
        for _ in STEPS
    ]
    rows[-1][0], rows[-2][1] = float("inf"), None
    paths = [f"model.{2 * i}" for i in range(NUM_STATIONS)]
    return LayerCurve(steps=STEPS, layers=paths, mean=rows)


def _curve(last):
    means = np.linspace(2.3, last, len(STEPS)).tolist()
    return Curve(steps=STEPS, mean=means, spread=[0.05] * len(STEPS))


def _fixes(spec):
    before = Measurement(
        progress=0.0, loss_last=2.3, backward_gain=1e-5, loss=_curve(2.3)
    )
    after = Measurement(
        progress=0.97, loss_last=0.1, backward_gain=0.8, loss=_curve(0.1)
    )
    proved = Trial(
        verified=True,
        seeds=[0, 1, 2],
        lr_multiplier=0.3,
        before=before,
        after=after,
        gain=0.97,
    )
    no_help = proved.model_copy(update={"verified": False, "gain": 0.01})
    out = Trial(
        verified=False,
        screened_out=ScreenedOut(
            why="at the start, the gradient still vanishes",
            statistic="log10_backward_gain",
            value=-11.9,
            threshold=-3.0,
        ),
    )
    return [
        _fix("replace_activation_relu", "Replace Sigmoid by ReLU", spec, proved),
        _fix("lower_learning_rate", "Lower the learning rate", spec, no_help),
        _fix("clip_gradients", "Clip the gradients", spec, out),
        _fix("replace_activation_silu", "Replace Sigmoid by SiLU", spec, None),
    ]


def _fix(name, title, spec, trial):
    return Fix(
        name=name,
        title=title,
        why="It keeps the size of what flows back (He 2015).",
        spec=spec,
        patch=[{"op": "replace", "path": "/name", "value": "fixed"}],
        snippet="nn.ReLU()",
        trial=trial,
    )
