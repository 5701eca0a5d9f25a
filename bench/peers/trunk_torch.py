#!/usr/bin/env python3
# bench/peers/trunk_torch.py - the ten-task trunk under GradNorm in PyTorch, timed and trained: the peer of `init trunk`.
"""Trains GradNorm's toy example (ten regressions of 100 outputs, 250 features, a trunk of four layers of 100, batch 100,
Adam 1e-5, task weights 5e-4 begun afresh each step, alpha 0.12) as a PyTorch user writes it. By default the GradNorm
loss is minimised by the network too, as the published program does (our method key network=on); --weights-only leaves
it to the task weights, as in the paper. Prints the milliseconds a step and, with --epochs, each epoch's training losses
over sigma squared. Float32, one CPU thread or one GPU."""

import argparse
import json
import statistics
import time

import torch
from torch import nn

SIGMAS = [48, 3, 54, 16, 9, 30, 52, 26, 47, 81]
BATCH, FEATURES, OUTPUTS, WIDTH, ALPHA = 100, 250, 100, 100, 0.12


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.ModuleList(nn.Linear(FEATURES if i == 0 else WIDTH, WIDTH) for i in range(4))
        self.heads = nn.ModuleList(nn.Linear(WIDTH, OUTPUTS) for _ in SIGMAS)

    def losses(self, x, targets):
        for layer in self.trunk:
            x = torch.relu(layer(x))
        return torch.stack([((head(x) - y) ** 2).mean() for head, y in zip(self.heads, targets)])


class Training:
    def __init__(self, device, weights_only):
        self.net = Network().to(device)
        self.optimizer = torch.optim.Adam(self.net.parameters(), lr=1e-5)
        self.weights = torch.ones(len(SIGMAS), device=device, requires_grad=True)
        self.first = None
        self.weights_only = weights_only

    def step(self, x, targets):
        losses = self.net.losses(x, targets)
        if self.first is None:
            self.first = losses.detach()
        measured = self.net.trunk[3].weight
        of_weights = torch.optim.Adam([self.weights], lr=5e-4)
        self.optimizer.zero_grad()
        (self.weights @ losses).backward(retain_graph=True)
        norms = torch.stack([torch.autograd.grad(w * loss, measured, retain_graph=True,
                                                 create_graph=not self.weights_only)[0].norm()
                             for w, loss in zip(self.weights, losses)])
        if self.weights_only:  # a norm is the weight times a constant
            norms = self.weights * (norms / self.weights).detach()
        rates = losses.detach() / self.first
        targets_of_norms = (norms.mean() * (rates / rates.mean()) ** ALPHA).detach()
        of_weights.zero_grad()
        (norms - targets_of_norms).abs().sum().backward()
        self.optimizer.step()
        of_weights.step()
        self.weights = (self.weights / self.weights.sum() * len(SIGMAS)).detach().requires_grad_()
        return losses.detach()


def data(rows, device):
    x = torch.rand(rows, FEATURES)
    common = torch.randn(OUTPUTS, FEATURES) * 10
    targets = [s * torch.tanh(x @ (common + 3.5 * torch.randn(OUTPUTS, FEATURES)).T) for s in SIGMAS]
    return x.to(device), [y.to(device) for y in targets]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rows", type=int, default=10000)
    parser.add_argument("--steps", type=int, default=20, help="timed, after five untimed ones")
    parser.add_argument("--epochs", type=int, default=0, help="train this long and print losses instead")
    parser.add_argument("--weights-only", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(1)
    x, targets = data(options.rows, options.device)
    training = Training(options.device, options.weights_only)
    batches = lambda: torch.randperm(options.rows, device=options.device).split(BATCH)
    wait = torch.cuda.synchronize if options.device.startswith("cuda") else lambda: None
    for epoch in range(options.epochs):
        sums = sum(training.step(x[b], [y[b] for y in targets]) * len(b) for b in batches())
        figures = [float(loss) / options.rows / s**2 for loss, s in zip(sums, SIGMAS)]
        print(epoch + 1, " ".join(f"{f:.3f}" for f in figures), flush=True)
    if options.epochs:
        return
    times = []
    for number, b in enumerate(list(batches())[: options.steps + 5]):
        wait()
        begin = time.perf_counter()
        training.step(x[b], [y[b] for y in targets])
        wait()
        if number >= 5:
            times.append((time.perf_counter() - begin) * 1e3)
    result = {"version": torch.__version__, "median_ms": statistics.median(times),
              "quartiles_ms": statistics.quantiles(times, n=4)[::2]}
    print(json.dumps(result) if options.json else
          f"PyTorch {result['version']}: {result['median_ms']:.1f} ms a step "
          f"({result['quartiles_ms'][0]:.1f} to {result['quartiles_ms'][1]:.1f})")


if __name__ == "__main__":
    main()
