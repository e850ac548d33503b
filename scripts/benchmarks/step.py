"""A training step by part: milliseconds, operations and bytes, beside what this machine can do.

The parts are run one after another, forward and backward, as the training of an experiment runs
them: compiled, in the precision that it would choose. The machine's rates are measured in the same
run: a large product in that precision, and a copy in memory.

    python scripts/benchmarks/step.py experiment=etth1 data.path=ETTh1.csv head=quantile
    python scripts/benchmarks/step.py --eager experiment=tourism data.path=tourism.csv
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import time
from collections.abc import Callable

from tsconv.commands.wait_policy import sleep_while_waiting

sleep_while_waiting()  # as the commands do, before torch is loaded

import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from tsconv.config.compose import train_config  # noqa: E402
from tsconv.distributed.threads import torch_threads  # noqa: E402
from tsconv.evaluation.losses import masked_mean  # noqa: E402
from tsconv.model.features import causal_features  # noqa: E402
from tsconv.model.network import ForecastNet  # noqa: E402
from tsconv.nn.scaling import causal_scale  # noqa: E402
from tsconv.training.lightning.loop import first_step  # noqa: E402
from tsconv.training.lightning.optimizer import make_optimizer  # noqa: E402
from tsconv.training.panel_cache import PanelCache  # noqa: E402
from tsconv.training.prepare import Prepared  # noqa: E402
from tsconv.training.step.compiled_loss import CompiledLoss  # noqa: E402
from tsconv.training.step.dense_loss import dense_loss  # noqa: E402
from tsconv.training.step.training_step import TrainingStep, autocast  # noqa: E402

REPEATS = 15


@dataclasses.dataclass
class Part:
    name: str
    run: Callable[[], object]
    flops: float  # of products, forward and backward
    moved: float  # bytes that must be read and written once


def seconds(run: Callable[[], object]) -> float:
    """The median of several runs, after two that do not count."""
    times = []
    for turn in range(REPEATS + 2):
        begun = time.perf_counter()
        run()
        if turn > 1:
            times.append(time.perf_counter() - begun)
    return statistics.median(times)


def machine_rates(precision: str) -> tuple[float, float]:
    """Operations a second of a large product, and bytes a second of a copy (read and written)."""
    dtype = {"bfloat16": torch.bfloat16, "float32": torch.float32}[precision]
    a, b = torch.randn(4096, 1024, dtype=dtype), torch.randn(1024, 1024, dtype=dtype)
    rate = 2 * a.numel() * b.shape[1] / seconds(lambda: a @ b)
    source = torch.randn(2**25)  # 128 MiB
    target = torch.empty_like(source)
    return rate, 2 * source.nbytes / seconds(lambda: target.copy_(source))


def backward_of(forward: Callable[[], Tensor], net: ForecastNet) -> Callable[[], None]:
    """Forward and backward pass, with gradients that are dropped."""

    def run() -> None:
        torch.autograd.backward(forward())
        net.zero_grad(set_to_none=True)

    return run


def parts_of(prepared: Prepared, step: TrainingStep, precision: str, eager: bool) -> list[Part]:
    """The parts of a step; what one part takes from another is computed before."""
    net, batch, head = step.net, step.batch, step.head
    spec = net.spec

    def built(f: Callable[..., Tensor]) -> Callable[..., Tensor]:
        return f if eager else torch.compile(f, dynamic=False)

    def in_precision(f: Callable[[], Tensor]) -> Callable[[], Tensor]:
        def run() -> Tensor:
            with autocast(precision, step.device):
                return f()

        return run

    x, mask = batch.x.permute(2, 1, 0, 3).contiguous(), batch.mask.permute(2, 1, 0, 3).contiguous()

    def features() -> Tensor:
        scale = causal_scale(x, mask, spec.context_length)
        return causal_features(
            x, mask, scale, net.filters, spec.seasonal_lags, net.feature_history
        ).float()

    members = batch.series if net.by_series else None

    def state() -> Tensor:
        return net.inputs(batch.x, batch.mask, batch.n_origins, members, batch.covariates).state

    inputs = net.inputs(batch.x, batch.mask, batch.n_origins, members, batch.covariates)
    inputs = inputs._replace(state=inputs.state.detach().requires_grad_())
    centre = net.centre(inputs).detach().requires_grad_()

    def loss_alone() -> Tensor:
        parameters = net._of_head(inputs, centre)
        return masked_mean(parameters[0].abs(), torch.ones_like(parameters[0]))

    def branch() -> Tensor:
        return net.centre(inputs).float().mean()

    whole = step.loss if eager else CompiledLoss(dense_loss)
    origins = batch.valid.numel() * (1 if net.mixed else len(prepared.panel.targets)) * x.shape[0]
    width = spec.horizon * ((spec.n_targets or 1) if net.mixed else 1)
    outputs = width * (1 if spec.quantiles is None else len(spec.quantiles))
    steps = origins + (net.receptive_field - 1) * origins / batch.n_origins / 2
    blocks = len(net.stack.blocks) if net.stack is not None else 0
    narrow = 2 if precision == "bfloat16" else 4
    block_flops = 2 * spec.hidden * (spec.hidden + spec.kernel_size)
    context = spec.context_length if spec.linear else 0

    def of_step() -> Tensor:
        return whole(net, batch, step.inv_scale, head)[0]

    forward_features, forward_state = built(features), built(lambda: state().float().mean())
    forward_branch, forward_loss = built(branch), built(loss_alone)
    optimizer = make_optimizer(net, prepared.config.optimizer, fused=True)

    def optimizer_step() -> None:
        for p in net.parameters():
            p.grad = torch.zeros_like(p)
        optimizer.step()

    with torch.no_grad():
        kept = {k: v.clone() for k, v in net.state_dict().items()}
    parts = [
        Part("features", in_precision(lambda: forward_features()), 0, 4 * x.numel() * 6),
        Part(
            "features and stack",
            backward_of(in_precision(lambda: forward_state()), net),
            3 * blocks * steps * block_flops,
            blocks * steps * spec.hidden * (4 * 4 + 3 * narrow),
        ),
        Part(
            "linear branch",
            backward_of(in_precision(lambda: forward_branch()), net),
            4 * origins * context * width,
            origins * (context * narrow * 4 + width * narrow * 2),
        ),
        Part(
            "head",
            backward_of(in_precision(lambda: forward_loss()), net),
            6 * origins * spec.hidden * outputs,
            origins * outputs * narrow * 4,
        ),
    ]
    total = [sum(v) for v in zip(*((p.flops, p.moved) for p in parts), strict=True)]
    parts.append(Part("forward of all", in_precision(of_step), total[0] / 3, total[1] / 2))
    parts.append(Part("the whole step", backward_of(in_precision(of_step), net), *total))
    parts.append(Part("optimizer", optimizer_step, 0, 7 * sum(p.nbytes for p in kept.values())))
    return parts


def report(arguments: argparse.Namespace) -> None:
    """Print the table for one experiment."""
    config = train_config(arguments.overrides)
    prepared = PanelCache().prepare(config)
    with torch_threads(prepared.config.threads):
        prepared.seed_process()
        step = first_step(prepared.module(), prepared.data(), torch.device("cpu"))
        precision = arguments.precision
        rate, bandwidth = machine_rates(precision)
        print(
            f"{torch.get_num_threads()} threads, {precision}: products {rate / 1e9:,.0f} GFLOP/s, "
            f"a copy {bandwidth / 1e9:.1f} GB/s"
        )
        origins = step.batch.valid.numel() * step.batch.y[0, ..., 0].numel()
        print("| part | ms | GFLOP | MB | least ms | share of it |\n|---|---|---|---|---|---|")
        for part in parts_of(prepared, step, precision, arguments.eager):
            took = 1e3 * seconds(part.run)
            least = 1e3 * max(part.flops / rate, part.moved / bandwidth)
            print(
                f"| {part.name} | {took:.1f} | {part.flops / 1e9:.2f} | {part.moved / 1e6:.0f} | "
                f"{least:.1f} | {least / took:.0%} |",
                flush=True,
            )
            if part.name == "the whole step":
                print(f"  {origins:,} origins a step: {1e3 * origins / took:,.0f} a second")


def main() -> None:
    """Read the arguments and report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--eager", action="store_true", help="do not compile")
    parser.add_argument("--precision", default="bfloat16", choices=["bfloat16", "float32"])
    parser.add_argument("overrides", nargs="*", help="as of `tsconv train`")
    report(parser.parse_args())


if __name__ == "__main__":
    main()
