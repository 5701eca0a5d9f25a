#!/usr/bin/env python3
# bench/peers/population_jax.py - replica-steps per second of MLDRL populations in JAX: the peer of population_bench.
"""Trains populations of the published MLDRL model (mldrl_torch.py's) on the CPU in JAX and times them: `vmap` over
replicas, `lax.scan` over the steps of an epoch, many epochs in one jitted call with donated buffers, float32. Every
replica has its own seed, its own order of the 320 rows in each epoch and its own noise. Measured as population_bench
does: steps alone, and whole epochs ("validated") that end with a forward pass over 80 validation rows of each replica,
its AUC, and the choice of the best parameters by it.
--chunk replicas are trained at a time, 0 for all, so that they stay in a core's cache; --devices splits the population
over so many host devices of XLA, each with one thread, where the sizes divide; the defaults suit two cores. --check
compares a step with a plain forward pass written view by view. --against PROGRAM runs population_bench and this script
in turn, --rounds times, and prints the medians of speeds and of peak resident memory.

Usage: bench/peers/population_jax.py [--replicas 1 8 64 512] [--json] [--check] [--against PROGRAM] [--rounds 3]"""

import argparse
import functools
import json
import os
import subprocess
import sys
import time

import numpy as np

FEATURES, HIDDEN, SHARED, SPECIFIC = 81, 32, 6, 4
LATENT, ROWS, VALIDATION, BATCH, STEPS = SHARED + SPECIFIC, 320, 80, 32, 10
LR, ALPHA, INITIAL = 8.5e-5, 0.16, (1.4, 3.0, 0.3)
# Weights are [inputs, outputs]; both views' layers are stacked, and the two heads are one layer: [mu, log sigma].
SHAPES = {"encoder": (2, FEATURES, HIDDEN), "heads": (HIDDEN, 2 * LATENT), "decoder1": (2, LATENT, HIDDEN),
          "decoder2": (2, HIDDEN, FEATURES), "fc": (SHARED + 2 * SPECIFIC, 2)}
jax = jnp = None  # imported once the threads are set


def import_jax(options):
    """XLA reads its threads and devices from the environment when it is imported."""
    global jax, jnp
    flags = os.environ.get("XLA_FLAGS", "") + f" --xla_force_host_platform_device_count={options.devices}"
    if options.threads == 1 or options.devices > 1:
        flags += " --xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    threads = options.threads or len(os.sched_getaffinity(0))
    os.environ.update(XLA_FLAGS=flags, JAX_PLATFORMS="cpu", NPROC=str(threads))
    import jax
    import jax.numpy as jnp
    # As fast as threefry, and compiled sooner. Under vmap all replicas' numbers are one draw, from the first one's key.
    jax.config.update("jax_default_prng_impl", "rbg")


def make_data():
    rows = np.random.default_rng(1).normal(size=(2, ROWS + VALIDATION, FEATURES))
    return rows.astype(np.float32), np.arange(ROWS + VALIDATION) % 2


# The model: x is [2, rows, features], the latent a pair mu, log sigma, each [2, rows, 10].
def affine(p, name, x):
    bias = p[name + ".bias"]
    return x @ p[name] + (bias[:, None] if bias.ndim == 2 else bias)


def apply_heads(heads, h):
    both = affine(heads, "heads", h.reshape(-1, HIDDEN)).reshape(2, -1, 2 * LATENT)
    return both[..., :LATENT], both[..., LATENT:]


def reconstruct(p, latent, noise, x):
    (mu, log_sigma), rows = latent, x.shape[1]
    z = mu + jnp.exp(log_sigma) * noise
    kl = 0.5 * (mu**2 + jnp.exp(log_sigma) ** 2 - 2 * log_sigma - 1).mean((1, 2)).sum()
    c = jnp.broadcast_to(z[..., :SHARED].reshape(1, 2 * rows, SHARED), (2, 2 * rows, SHARED))  # of both views
    own = jnp.concatenate((z[..., SHARED:], z[..., SHARED:]), 1)  # the decoder's own view, twice
    y = affine(p, "decoder2", jax.nn.relu(affine(p, "decoder1", jnp.concatenate((c, own), 2))))
    return kl + ((y.reshape(2, 2, rows, FEATURES) - x[:, None]) ** 2).sum() / (rows * FEATURES)


def inherent_variational(latent, noise):
    z = latent[0] + jnp.exp(latent[1]) * noise
    square = (z[0] - z[1]) ** 2
    return square[:, :SHARED].mean() / square[:, SHARED:].mean()


def logits_of(p, z):
    return affine(p, "fc", jnp.concatenate((z[..., :SHARED].mean(0), z[0, :, SHARED:], z[1, :, SHARED:]), 1))


def classify(p, latent, noise, label):
    log_p = jax.nn.log_softmax(logits_of(p, latent[0] + jnp.exp(latent[1]) * noise))
    return -jnp.where(label == 1, log_p[:, 1], log_p[:, 0]).mean()


def losses_and_gradients(p, weights, x, label, noise):
    """The three losses, the gradient of their weighted sum, and the norm of each one's at the heads.
    Each loss is differentiated at the latent only; one pass of the weighted sum then goes through the encoders."""
    part = lambda *names: {k: v for k, v in p.items() if k.split(".")[0] in names}
    h, back_encoder = jax.vjp(lambda q: jax.nn.relu(affine(q, "encoder", x)), part("encoder"))
    latent, back_heads = jax.vjp(apply_heads, part("heads"), h)
    rec, (g_dec, g_rec) = jax.value_and_grad(reconstruct, (0, 1))(part("decoder1", "decoder2"), latent, noise, x)
    inh, g_inh = jax.value_and_grad(inherent_variational)(latent, noise)
    cls, (g_fc, g_cls) = jax.value_and_grad(classify, (0, 1))(part("fc"), latent, noise, label)
    at_heads = [back_heads(g)[0] for g in (g_rec, g_inh, g_cls)]
    norms = jnp.stack([jnp.sqrt(sum((v**2).sum() for v in g.values())) for g in at_heads])
    weighted = lambda *trees: jax.tree.map(lambda *g: sum(w * v for w, v in zip(weights, g)), *trees)
    gradient = weighted(*at_heads)
    gradient |= {k: weights[0] * v for k, v in g_dec.items()} | {k: weights[2] * v for k, v in g_fc.items()}
    gradient |= back_encoder(back_heads(weighted(g_rec, g_inh, g_cls))[1])[0]
    return jnp.stack((rec, inh, cls)), gradient, norms


def adam(value, gradient, m, v, t):
    m = jax.tree.map(lambda a, g: 0.9 * a + 0.1 * g, m, gradient)
    v = jax.tree.map(lambda a, g: 0.999 * a + 0.001 * g * g, v, gradient)
    rate, root = LR / (1 - 0.9**t), jax.lax.rsqrt(1 - 0.999**t)
    return jax.tree.map(lambda x, a, b: x - rate * a / (jnp.sqrt(b) * root + 1e-8), value, m, v), m, v


def train_step(s, x, label, noise):
    """One step of one replica: Adam of the weighted sum, then GradNorm's step of the task weights."""
    w, t = s["weights"], s["t"] + 1
    losses, gradient, norms = losses_and_gradients(s["p"], w, x, label, noise)
    p, m, v = adam(s["p"], gradient, s["m"], s["v"], t)
    first = jnp.where(jnp.isnan(s["first"]), losses, s["first"])
    ratio = losses / first
    target = (w * norms).mean() * jnp.maximum(ratio / ratio.mean(), 0) ** ALPHA
    w, wm, wv = adam(w, jnp.sign(w * norms - target) * norms, s["wm"], s["wv"], t)
    return s | {"p": p, "m": m, "v": v, "t": t, "first": first, "weights": 3 * w / w.sum(), "wm": wm, "wv": wv}, losses


def fresh(seed):
    """A replica before its first step: U(-1/sqrt(fan in), 1/sqrt(fan in)), as PyTorch's Linear has it."""
    key, p = jax.random.key(seed), {}
    for i, (name, shape) in enumerate(SHAPES.items()):
        for j, (k, size) in enumerate(((name, shape), (name + ".bias", shape[:-2] + shape[-1:]))):
            p[k] = jax.random.uniform(jax.random.fold_in(key, 2 * i + j), size, minval=-1, maxval=1) / shape[-2] ** 0.5
    s = {k: jnp.zeros(3) for k in ("wm", "wv", "losses", "validation_losses")}
    s |= {k: jax.tree.map(jnp.zeros_like, p) for k in ("m", "v", "best")} | {"p": p, "key": jax.random.key_data(key)}
    return s | {"t": jnp.float32(0), "weights": jnp.array(INITIAL), "first": jnp.full(3, jnp.nan, jnp.float32),
                "best_auc": jnp.float32(-1)}


def validate(s, x, label):
    """AUC by pairs over the latent means, the losses of the same rows, and the best parameters so far."""
    latent = apply_heads(s["p"], jax.nn.relu(affine(s["p"], "encoder", x)))
    score = logits_of(s["p"], latent[0]) @ jnp.array((-1.0, 1.0))
    above = (score[:, None] > score) + 0.5 * (score[:, None] == score)
    positive = (label == 1).astype(jnp.float32)
    auc = positive @ above @ (1 - positive) / (positive.sum() * (1 - positive).sum())
    losses = jnp.stack((reconstruct(s["p"], latent, 0, x), inherent_variational(latent, 0),
                        classify(s["p"], latent, 0, label)))
    best = jax.tree.map(lambda new, old: jnp.where(auc > s["best_auc"], new, old), s["p"], s["best"])
    return s | {"best": best, "best_auc": jnp.maximum(auc, s["best_auc"]), "validation_losses": losses}


def train_epoch(s, x, label, validated, unroll):
    key, order_key, noise_key = jax.random.split(jax.random.wrap_key_data(s["key"]), 3)
    order = jax.random.permutation(order_key, ROWS).reshape(STEPS, BATCH)
    noise = jax.random.normal(noise_key, (STEPS, 2, BATCH, LATENT))
    step = lambda s, now: train_step(s, x[:, now[0]], label[now[0]], now[1])
    s, losses = jax.lax.scan(step, s, (order, noise), unroll=unroll)
    s = s | {"losses": losses.mean(0), "key": jax.random.key_data(key)}
    return validate(s, x[:, ROWS:], label[ROWS:]) if validated else s


def make_run(replicas, validated, options):
    """A fresh population, and a jitted function: population, epochs -> population."""
    devices = options.devices if replicas % options.devices == 0 else 1
    chunk = next(c for c in range(min(options.chunk or replicas, replicas), 0, -1) if replicas // devices % c == 0)
    x, label = (jnp.asarray(a) for a in make_data())
    one = jax.vmap(functools.partial(train_epoch, x=x, label=label, validated=validated, unroll=options.unroll))

    def run(population, epochs):  # each chunk goes through all epochs before the next
        parts = jax.tree.map(lambda a: a.reshape(-1, chunk, *a.shape[1:]), population)
        parts = jax.lax.map(lambda part: jax.lax.fori_loop(0, epochs, lambda _, s: one(s), part), parts)
        return jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), parts)

    mesh, P = jax.make_mesh((devices,), ("replica",)), jax.sharding.PartitionSpec
    run = jax.shard_map(run, mesh=mesh, in_specs=(P("replica"), P()), out_specs=P("replica"), check_vma=False)
    population = jax.jit(jax.vmap(fresh))(jnp.arange(1, replicas + 1))
    return jax.device_put(population, jax.sharding.NamedSharding(mesh, P("replica"))), jax.jit(run, donate_argnums=0)


def time_population(replicas, validated, options):
    state, run = make_run(replicas, validated, options)

    def train(epochs):
        nonlocal state  # donated
        start = time.perf_counter()
        state = jax.block_until_ready(run(state, epochs))
        return time.perf_counter() - start

    train(1)  # compiles
    epochs = max(1, round(4 * options.seconds / train(4)))
    rates = [replicas * STEPS * epochs / train(epochs) for _ in range(options.repetitions)]
    low, median, high = np.percentile(rates, (25, 50, 75)).tolist()
    return {"replica_steps_per_second": median, "quartiles": [low, high], "largest": max(rates)}


def plain_losses(p, x, label, noise, xp=np):
    """The three losses view by view, as mldrl_torch.py has them; xp is NumPy or its like in JAX."""
    z, reconstruction = [], 0
    for i in range(2):
        h = xp.maximum(x[i] @ p["encoder"][i] + p["encoder.bias"][i], 0)
        mu = h @ p["heads"][:, :LATENT] + p["heads.bias"][:LATENT]
        log_sigma = h @ p["heads"][:, LATENT:] + p["heads.bias"][LATENT:]
        reconstruction += 0.5 * xp.mean(mu**2 + xp.exp(log_sigma) ** 2 - 2 * log_sigma - 1)
        z.append(mu + xp.exp(log_sigma) * noise[i])
    c, s = [v[:, :SHARED] for v in z], [v[:, SHARED:] for v in z]
    for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
        d = xp.hstack((c[j], s[i])) @ p["decoder1"][i] + p["decoder1.bias"][i]
        y = xp.maximum(d, 0) @ p["decoder2"][i] + p["decoder2.bias"][i]
        reconstruction += xp.mean((y - x[i]) ** 2)
    logits = xp.hstack(((c[0] + c[1]) / 2, s[0], s[1])) @ p["fc"] + p["fc.bias"]
    entropy = xp.mean(xp.log(xp.exp(logits).sum(1)) - logits[np.arange(len(label)), label])
    return xp.stack((reconstruction, xp.mean((c[0] - c[1]) ** 2) / xp.mean((s[0] - s[1]) ** 2), entropy))


def check(options):
    """One step: its losses by NumPy in double precision, its gradients by the plain form's; then training itself."""
    x, label = make_data()
    batch = x[:, :BATCH], label[:BATCH], np.random.default_rng(2).normal(size=(2, BATCH, LATENT)).astype(np.float32)
    state, w = fresh(1), np.array(INITIAL)
    true = plain_losses(*jax.tree.map(lambda a: np.array(a, np.float64 if a.dtype == np.float32 else a.dtype),
                                      (state["p"], *batch)))
    jacobian = jax.jacrev(lambda p: plain_losses(p, *batch, jnp))(state["p"])
    first = true * (0.7, 1.1, 1.3)  # as if later in training, so that the ratios matter
    after, losses = jax.jit(train_step)(state | {"first": jnp.array(first, jnp.float32)}, *batch)
    error = lambda found, wanted: np.max(abs(found - wanted)) / np.max(abs(wanted))  # and a first moment is 0.1 g
    errors = {"gradient of " + k: error(10 * after["m"][k], np.tensordot(w, g, 1)) for k, g in jacobian.items()}
    errors["losses"] = error(losses, true)
    norms = np.sqrt(sum((np.array(jacobian[k]).reshape(3, -1) ** 2).sum(1) for k in ("heads", "heads.bias")))
    wanted = np.sign(w * norms - np.mean(w * norms) * (true / first / np.mean(true / first)) ** ALPHA) * norms
    errors["gradient of the task weights"] = error(10 * after["wm"], wanted)
    print(*(f"{name}: largest relative error {e:.1e}" for name, e in errors.items()), sep="\n")
    population, run = make_run(4, True, options)
    before = np.array((population := run(population, 1))["losses"]) @ w
    end = np.array(run(population, 39)["losses"]) @ w
    print("weighted loss, first and 40th epoch:", *(f"{a:.3f} to {b:.3f}" for a, b in zip(before, end)))
    if max(errors.values()) > 1e-4 or (end >= before).any() or len(set(before.tolist())) < 4:
        sys.exit("population_jax.py: the check failed")


def run_program(command):
    """Steps per second, those with validation, and peak resident MiB."""
    process = subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, text=True)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"population_jax.py: {command[0]} ended with status {os.waitstatus_to_exitcode(status)}")
    found = json.loads(text)["populations"][0]
    return *(p["replica_steps_per_second"] for p in (found, found["validated_each_epoch"])), usage.ru_maxrss / 1024


def compare(options):
    """Rounds of both programs in turn, a process for each size of population."""
    given = lambda *names: [f"--{name}={getattr(options, name)}" for name in names]
    script = [sys.executable, os.path.abspath(__file__), *given("unroll", "chunk", "devices")]
    columns = "replicas", "ours", "JAX", "ratio", "validated", "JAX", "ratio", "ours MiB", "JAX MiB"
    print(*(f"{c:>9}" for c in columns))
    for replicas in options.replicas:
        same = [*given("threads", "repetitions", "seconds"), f"--replicas={replicas}"]
        rounds = [[run_program(c + same) for c in ([options.against], script)] for _ in range(options.rounds)]
        (a, b, c), (d, e, f) = (np.median([r[i] for r in rounds], 0) for i in (0, 1))
        print(*(f"{v:>9.5g}" for v in (replicas, a, d, a / d, b, e, b / e, c, f)), flush=True)


def measure(options):
    device = f"JAX {jax.__version__}, CPU, {os.environ['NPROC']} threads"
    out = {"device": device, "repetitions": options.repetitions, "populations": []}
    if not options.json:
        print(f"MLDRL population, {device}, batch 32, {options.repetitions} repetitions of about {options.seconds} s\n"
              f"{'replicas':>9} {'replica-steps/s':>16} {'quartiles':>24} {'validated':>16} {'quartiles':>24}")
    for replicas in options.replicas:
        plain, validated = (time_population(replicas, v, options) for v in (False, True))
        out["populations"].append({"replicas": replicas, **plain, "validated_each_epoch": validated})
        if not options.json:
            columns = ((r["replica_steps_per_second"], *r["quartiles"]) for r in (plain, validated))
            print(f"{replicas:>9}", *("{:>16.0f} {:>12.0f} {:>11.0f}".format(*c) for c in columns), flush=True)
    if options.json:
        print(json.dumps(out))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 8, 64, 512], help="sizes of population")
    for name, standard, what in (
        ("repetitions", 7, "timed runs"), ("seconds", 0.25, "length of a run"), ("rounds", 3, "rounds of --against"),
        ("threads", 0, "CPU threads, 0 for all"), ("unroll", 1, "steps of the scan unrolled"),
        ("chunk", 4, "replicas trained at a time, 0 for all"), ("devices", 2, "host devices that share the population"),
    ):
        parser.add_argument("--" + name, type=type(standard), default=standard, help=f"{what} (default {standard})")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--check", action="store_true", help="compare a step with a plain one, and see the loss fall")
    parser.add_argument("--against", metavar="PROGRAM", help="population_bench, to be run in turn with this script")
    options = parser.parse_args()
    if min(*options.replicas, options.repetitions, options.unroll, options.devices, options.rounds) < 1:
        parser.error("sizes and numbers must be at least 1")
    if not options.against:
        import_jax(options)
    (compare if options.against else check if options.check else measure)(options)


if __name__ == "__main__":
    main()
