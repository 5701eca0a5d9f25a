#!/usr/bin/env python3
# bench/peers/mldrl_torch.py - one MLDRL training step in PyTorch, timed: the peer of the fused step.
"""Times the published MLDRL training step (two views of 81 features, hidden 32, latent 6 shared + 4 specific, two
classes, batch 32, three tasks balanced by GradNorm over the latent heads, Adam 8.5e-5) as a PyTorch user writes it:
one gradient per task at the heads, one backward pass of the weighted sum, one Adam step, one step of the task weights.
Float32, one CPU thread or one GPU. Prints the median milliseconds per step and the spread."""

import argparse
import json
import math
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

TASKS = ("reconstruction", "inherent_variational", "classification")


class Pair(nn.Module):
    """A linear layer, relu and another linear layer; the record's names for a decoder."""

    def __init__(self, inputs, hidden, outputs):
        super().__init__()
        self.linear1 = nn.Linear(inputs, hidden)
        self.linear2 = nn.Linear(hidden, outputs)

    def forward(self, z):
        return self.linear2(F.relu(self.linear1(z)))


class Encoder(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.linear1 = nn.Linear(inputs, hidden)

    def forward(self, x):
        return F.relu(self.linear1(x))


class Mldrl(nn.Module):
    """Two variational autoencoders with common latent heads, and a classifier; returns the three task losses."""

    def __init__(self, features1=81, features2=81, hidden=32, shared=6, specific=4, classes=2, relu_output=False):
        super().__init__()
        latent = shared + specific
        self.shared = shared
        self.relu_output = relu_output
        self.encoder1 = Encoder(features1, hidden)
        self.encoder2 = Encoder(features2, hidden)
        self._enc_mu = nn.Linear(hidden, latent)
        self._enc_log_sigma = nn.Linear(hidden, latent)
        self.decoder1 = Pair(latent, hidden, features1)
        self.decoder2 = Pair(latent, hidden, features2)
        self.fc1 = nn.Linear(shared + 2 * specific, classes)

    def heads(self):
        return [*self._enc_mu.parameters(), *self._enc_log_sigma.parameters()]

    def encode(self, h, noise):
        mu = self._enc_mu(h)
        log_sigma = self._enc_log_sigma(h)
        sigma = log_sigma.exp()
        kl = 0.5 * (mu.square() + sigma.square() - 2 * log_sigma - 1).mean()
        z = mu + sigma * noise
        return z[:, : self.shared], z[:, self.shared :], kl

    def decode(self, decoder, c, p):
        y = decoder(torch.cat((c, p), 1))
        return F.relu(y) if self.relu_output else y

    def forward(self, x1, x2, label, noise1, noise2):
        c1, p1, kl1 = self.encode(self.encoder1(x1), noise1)
        c2, p2, kl2 = self.encode(self.encoder2(x2), noise2)
        reconstruction = kl1 + kl2
        for c in (c1, c2):
            reconstruction = reconstruction + F.mse_loss(self.decode(self.decoder1, c, p1), x1)
            reconstruction = reconstruction + F.mse_loss(self.decode(self.decoder2, c, p2), x2)
        inherent_variational = F.mse_loss(c1, c2) / F.mse_loss(p1, p2)
        logits = self.fc1(torch.cat(((c1 + c2) / 2, p1, p2), 1))
        return torch.stack((reconstruction, inherent_variational, F.cross_entropy(logits, label)))


class Trainer:
    """The model, its optimiser, and GradNorm's task weights with theirs."""

    def __init__(self, model, lr=8.5e-5, task_lr=8.5e-5, alpha=0.16, initial=(1.4, 3.0, 0.3), capturable=False):
        example = model.fc1.weight
        self.model = model
        self.alpha = alpha
        self.heads = model.heads()
        self.weights = torch.tensor(initial, dtype=example.dtype, device=example.device, requires_grad=True)
        options = {"capturable": True} if capturable else {}
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr, **options)
        self.weight_optimizer = torch.optim.Adam([self.weights], lr=task_lr, **options)
        self.first_losses = torch.full_like(self.weights, math.nan, requires_grad=False)

    def step(self, x1, x2, label, noise1, noise2):
        losses = self.model(x1, x2, label, noise1, noise2)
        norms = []
        for loss in losses:
            gradient = torch.autograd.grad(loss, self.heads, retain_graph=True)
            norms.append(torch.cat([g.flatten() for g in gradient]).norm())
        norms = torch.stack(norms)

        weights = self.weights.detach().clone()
        self.optimizer.zero_grad(set_to_none=True)
        (weights * losses).sum().backward()
        self.optimizer.step()

        with torch.no_grad():
            raw = losses.detach()
            # The first step's losses, kept on the device: no branch that waits for it.
            self.first_losses.copy_(torch.where(self.first_losses.isnan(), raw, self.first_losses))
            ratio = raw / self.first_losses
            ratio = (ratio / ratio.mean()).clamp(min=0)
            weighted = weights * norms
            target = weighted.mean() * ratio.pow(self.alpha)
            # The derivative of sum |w n - target| by the weights alone.
            self.weights.grad = torch.sign(weighted - target) * norms
            self.weight_optimizer.step()
            self.weights.mul_(len(TASKS) / self.weights.sum())
        return raw, weights, weighted, target


def graphed(trainer, batch):
    """The step as one CUDA graph: launched whole, with the inputs copied into the captured tensors."""
    inputs = [t.clone() for t in batch]
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            trainer.step(*inputs)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        trainer.step(*inputs)

    def step(*new):
        for old, value in zip(inputs, new):
            old.copy_(value)
        graph.replay()

    return step


def make_batches(count, rows, features, latent, device):
    generator = torch.Generator().manual_seed(1)
    make = lambda *shape: torch.randn(*shape, generator=generator).to(device)
    return [
        (
            make(rows, features),
            make(rows, features),
            torch.randint(0, 2, (rows,), generator=generator).to(device),
            make(rows, latent),
            make(rows, latent),
        )
        for _ in range(count)
    ]


def measure(step, batches, steps, warmup, device):
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    for i in range(warmup):
        step(*batches[i % len(batches)])
    wait()
    milliseconds = []
    for i in range(steps):
        start = time.perf_counter()
        step(*batches[i % len(batches)])
        wait()
        milliseconds.append(1e3 * (time.perf_counter() - start))
    return milliseconds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200, help="timed steps (default 200)")
    parser.add_argument("--warmup", type=int, default=50, help="untimed steps before (default 50)")
    parser.add_argument("--batch", type=int, default=32, help="rows of a batch (default 32)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--compile", action="store_true", help="torch.compile; on a GPU the whole step as a CUDA graph")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.steps < 2 or options.warmup < 0 or options.batch < 1:
        parser.error("--steps must be at least 2, --warmup at least 0 and --batch at least 1")
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("--device cuda: PyTorch finds no GPU; use --device cpu")
    if options.compile and not hasattr(torch, "compile"):
        parser.error(f"--compile: PyTorch {torch.__version__} has no torch.compile (2.0 has); leave it out")

    torch.set_num_threads(1)
    torch.manual_seed(0)
    device = torch.device(options.device)
    capture = options.compile and device.type == "cuda"
    model = Mldrl().to(device)
    trainer = Trainer(model, capturable=capture)
    batches = make_batches(16, options.batch, 81, 10, device)
    mode = "eager"
    step = trainer.step
    if options.compile:
        # Three gradients of one forward pass share its graph, which donated buffers would free after the first.
        from torch._functorch import config

        if hasattr(config, "donated_buffer"):
            config.donated_buffer = False
        trainer.model = torch.compile(model)
        mode = "compiled"
    if capture:
        step = graphed(trainer, batches[0])
        mode = "compiled, CUDA graph"
    milliseconds = measure(step, batches, options.steps, options.warmup, device)

    quartiles = statistics.quantiles(milliseconds, n=4)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "cpu, 1 thread"
    result = {
        "peer": "pytorch",
        "version": torch.__version__,
        "mode": mode,
        "device": name,
        "batch": options.batch,
        "steps": options.steps,
        "median_ms": statistics.median(milliseconds),
        "quartiles_ms": [quartiles[0], quartiles[2]],
        "min_ms": min(milliseconds),
        "max_ms": max(milliseconds),
        "task_weights": [round(w, 6) for w in trainer.weights.tolist()],
    }
    if options.json:
        print(json.dumps(result))
    else:
        print(
            "MLDRL step, PyTorch {version} ({mode}), {device}, batch {batch}: median {median_ms:.4f} ms, quartiles "
            "{0:.4f} to {1:.4f} ms, {steps} steps".format(*result["quartiles_ms"], **result)
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
