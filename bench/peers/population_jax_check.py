#!/usr/bin/env python3
# bench/peers/population_jax_check.py - what population_jax.py times is the model.
"""Holds one step of population_jax.py against a plain NumPy forward pass in double precision: losses, gradients by
central differences, the norms at the latent heads and the task weights that GradNorm makes of them. Then sees that
40 epochs lower the weighted loss of four replicas, which differ. Ends with 1 if anything is otherwise.

Usage: bench/peers/population_jax_check.py"""

import sys

import numpy as np

import population_jax as peer


def plain_losses(p, x, label, noise):
    """The three losses in NumPy, view by view, as mldrl_torch.py has them."""
    c, s, kl = [], [], 0
    for i in range(2):
        h = np.maximum(x[i] @ p["encoder"][i] + p["encoder.bias"][i], 0)
        mu = h @ p["heads"][:, :peer.LATENT] + p["heads.bias"][:peer.LATENT]
        log_sigma = h @ p["heads"][:, peer.LATENT:] + p["heads.bias"][peer.LATENT:]
        kl += 0.5 * np.mean(mu**2 + np.exp(log_sigma) ** 2 - 2 * log_sigma - 1)
        z = mu + np.exp(log_sigma) * noise[i]
        c.append(z[:, :peer.SHARED])
        s.append(z[:, peer.SHARED:])
    reconstruction = kl
    for i in range(2):
        for j in range(2):
            d = np.hstack((c[j], s[i])) @ p["decoder1"][i] + p["decoder1.bias"][i]
            y = np.maximum(d, 0) @ p["decoder2"][i] + p["decoder2.bias"][i]
            reconstruction += np.mean((y - x[i]) ** 2)
    logits = np.hstack(((c[0] + c[1]) / 2, s[0], s[1])) @ p["fc"] + p["fc.bias"]
    entropy = np.mean(np.log(np.exp(logits).sum(1)) - logits[np.arange(len(label)), label])
    return np.array((reconstruction, np.mean((c[0] - c[1]) ** 2) / np.mean((s[0] - s[1]) ** 2), entropy))


def differences(p, name, i, batch, step=1e-5):
    """Central differences of the three losses by entry i of a tensor."""
    flat, old = p[name].reshape(-1), p[name].flat[i]
    flat[i] = old + step
    above = plain_losses(p, *batch)
    flat[i] = old - step
    below = plain_losses(p, *batch)
    flat[i] = old
    return (above - below) / (2 * step)


def main():
    options = peer.options_of(["--replicas", "4"])
    peer.import_jax(options)
    jax, jnp = peer.jax, peer.jnp
    x, label = peer.make_data()
    noise = np.random.default_rng(2).normal(size=(2, peer.BATCH, peer.LATENT)).astype(np.float32)
    state, batch = peer.fresh(1), (x[:, :peer.BATCH], label[:peer.BATCH], noise)
    p = {k: np.array(v, np.float64) for k, v in state["p"].items()}
    true = plain_losses(p, *batch)  # in double, as the weights are
    first = true * (0.7, 1.1, 1.3)  # as if later in training, so that the ratios matter
    after, losses = jax.jit(peer.train_step)(state | {"first": jnp.array(first, jnp.float32)}, *batch)
    worst = {"losses": np.max(abs(losses - true) / true), "gradients": 0}
    w, squares = np.array(peer.INITIAL), np.zeros(3)
    draw = np.random.default_rng(3)
    for name, value in p.items():
        heads = name.startswith("heads")
        entries = range(value.size) if heads else draw.choice(value.size, min(value.size, 100), replace=False)
        found = np.array([differences(p, name, i, batch) for i in entries])
        squares += (found**2).sum(0) if heads else 0
        ours = 10 * np.asarray(after["m"][name], np.float64).reshape(-1)  # a first moment is 0.1 g
        error = np.max(abs(ours[list(entries)] - found @ w)) / np.max(abs(ours))
        worst["gradients"] = max(worst["gradients"], error)
    norms, ratio = np.sqrt(squares), true / first
    target = np.mean(w * norms) * np.maximum(ratio / ratio.mean(), 0) ** peer.ALPHA
    wanted = np.sign(w * norms - target) * norms
    worst["gradient of the task weights"] = np.max(abs(10 * np.asarray(after["wm"]) - wanted)) / np.max(abs(wanted))
    moved = w - peer.LR * np.sign(wanted)
    worst["task weights"] = np.max(abs(after["weights"] - 3 * moved / moved.sum()))
    for name, error in worst.items():
        print(f"{name}: largest relative error {error:.1e}")

    run, population = peer.make_run(4, True, options), peer.make_population(4, options)
    totals = []
    for epochs in (1, 39):
        population = run(population, epochs)
        totals.append(np.asarray(population["losses"]) @ w)
    print("weighted loss, first and 40th epoch:", *(f"{a:.3f} to {b:.3f}" for a, b in zip(*totals)))
    print("best AUC:", *(f"{v:.3f}" for v in np.asarray(population["best_auc"])))
    passed = max(worst.values()) < 1e-4 and bool(np.all(totals[1] < totals[0])) and len(set(totals[0].tolist())) == 4
    print("passed" if passed else "failed")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
