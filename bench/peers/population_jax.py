#!/usr/bin/env python3
# bench/peers/population_jax.py - MLDRL populations in JAX, timed: the peer of population_bench.
"""Trains populations of the published MLDRL model (two views of 81 features, hidden 32, latent 6 shared + 4 specific,
two classes, batch 32 of 320 rows, three losses under GradNorm over the latent heads, Adam 8.5e-5) on the CPU in JAX and
times them: `vmap` over replicas, `lax.scan` over the steps of an epoch, many epochs in one jitted call with donated
buffers, float32. Every replica has its own seed, its own order of the rows in each epoch and its own noise.

Measured twice, as population_bench does: steps alone, and whole epochs ("validated") that end with a forward pass over
80 validation rows of each replica, its AUC, and the choice of the best parameters by it.

--chunk maps over groups of so many replicas in turn, --devices splits the population over host devices of XLA, --noise
says where the noise is drawn ("ready": once for all epochs, which is less work than population_bench does).
population_jax_check.py holds its step against NumPy.
--against PROGRAM runs population_bench and this script in turn, --rounds times, and prints medians and ratios.

Usage: bench/peers/population_jax.py [--replicas 1 8 64 512] [--repetitions 7] [--seconds 0.25] [--unroll 1] [--json]
                                     [--against build/cpu/population_bench --rounds 3]"""

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
import time

import numpy as np

FEATURES, HIDDEN, SHARED, SPECIFIC, CLASSES = 81, 32, 6, 4, 2
LATENT, ROWS, VALIDATION, BATCH = SHARED + SPECIFIC, 320, 80, 32
STEPS = ROWS // BATCH
LR, ALPHA, INITIAL = 8.5e-5, 0.16, (1.4, 3.0, 0.3)
# Weights are [inputs, outputs]; the views' layers are stacked, the two latent heads are one layer: [mu, log sigma].
SHAPES = {
    "encoder": (2, FEATURES, HIDDEN), "heads": (HIDDEN, 2 * LATENT), "decoder1": (2, LATENT, HIDDEN),
    "decoder2": (2, HIDDEN, FEATURES), "fc": (SHARED + 2 * SPECIFIC, CLASSES),
}
jax = jnp = None  # imported once the threads are set


def import_jax(options):
    """XLA reads its threads and devices from the environment when it is imported."""
    global jax, jnp
    flags = [os.environ.get("XLA_FLAGS", ""), f"--xla_force_host_platform_device_count={options.devices}"]
    if options.threads:
        os.environ["NPROC"] = str(options.threads)
    if options.threads == 1:
        flags.append("--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
    os.environ["XLA_FLAGS"] = " ".join(flags)
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax as module
    jax, jnp = module, module.numpy
    jax.config.update("jax_default_prng_impl", options.random)


def make_data():
    draw = np.random.default_rng(1)
    rows = draw.normal(size=(2, ROWS + VALIDATION, FEATURES)).astype(np.float32)
    return rows, (np.arange(ROWS + VALIDATION) % 2).astype(np.int32)


# The model. x [2, rows, features]; the latent is a pair mu, log sigma, each [2, rows, 10].

def affine(p, name, x):
    bias = p[name + ".bias"]
    return x @ p[name] + (bias[:, None] if bias.ndim == 2 else bias)


def apply_heads(heads, h):
    both = affine(heads, "heads", h.reshape(-1, HIDDEN)).reshape(2, -1, 2 * LATENT)
    return both[..., :LATENT], both[..., LATENT:]


def reconstruct(p, latent, noise, x):
    mu, log_sigma = latent
    z = mu + jnp.exp(log_sigma) * noise
    kl = 0.5 * (mu**2 + jnp.exp(log_sigma) ** 2 - 2 * log_sigma - 1).mean((1, 2)).sum()
    rows = x.shape[1]
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


def part(p, *names):
    return {k: v for k, v in p.items() if k.split(".")[0] in names}


def encode(p, x):
    return jax.nn.relu(affine(p, "encoder", x))


def losses_and_gradients(p, weights, x, label, noise):
    """The three losses, the gradient of their weighted sum, and the norm of each one's at the heads.

    Each loss is differentiated at the latent only; one pass of the weighted sum then goes through the encoders."""
    h, back_encoder = jax.vjp(lambda q: encode(q, x), part(p, "encoder"))
    latent, back_heads = jax.vjp(apply_heads, part(p, "heads"), h)
    rec, (g_dec, g_rec) = jax.value_and_grad(reconstruct, (0, 1))(part(p, "decoder1", "decoder2"), latent, noise, x)
    inh, g_inh = jax.value_and_grad(inherent_variational)(latent, noise)
    cls, (g_fc, g_cls) = jax.value_and_grad(classify, (0, 1))(part(p, "fc"), latent, noise, label)
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
    ratio = jnp.maximum(ratio / ratio.mean(), 0)
    target = (w * norms).mean() * ratio**ALPHA
    w, wm, wv = adam(w, jnp.sign(w * norms - target) * norms, s["wm"], s["wv"], t)
    return s | {"p": p, "m": m, "v": v, "t": t, "first": first, "weights": 3 * w / w.sum(), "wm": wm, "wv": wv}, losses


def fresh(seed):
    """A replica before its first step: U(-1/sqrt(fan in), 1/sqrt(fan in)), as PyTorch's Linear has it."""
    key = jax.random.key(seed)
    p = {}
    for i, (name, shape) in enumerate(SHAPES.items()):
        for j, (k, size) in enumerate(((name, shape), (name + ".bias", shape[:-2] + shape[-1:]))):
            draw = jax.random.fold_in(key, 2 * i + j)
            p[k] = jax.random.uniform(draw, size, minval=-1, maxval=1) / np.sqrt(shape[-2]).astype(np.float32)
    zeros = lambda: jax.tree.map(jnp.zeros_like, p)
    return {"p": p, "m": zeros(), "v": zeros(), "t": jnp.float32(0), "weights": jnp.array(INITIAL),
            "wm": jnp.zeros(3), "wv": jnp.zeros(3), "first": jnp.full(3, jnp.nan), "key": jax.random.key_data(key),
            "best": jax.tree.map(jnp.copy, p), "best_auc": jnp.float32(-1), "losses": jnp.zeros(3)}


def validate(s, x, label):
    """AUC by pairs over the latent means, the losses of the same rows, and the best parameters so far."""
    latent = apply_heads(s["p"], encode(s["p"], x))
    logits = logits_of(s["p"], latent[0])
    score = logits[:, 1] - logits[:, 0]
    above = (score[:, None] > score) + 0.5 * (score[:, None] == score)
    positive = (label == 1).astype(jnp.float32)
    auc = positive @ above @ (1 - positive) / (positive.sum() * (1 - positive).sum())
    noise = jnp.zeros_like(latent[0])
    losses = jnp.stack((reconstruct(s["p"], latent, noise, x), inherent_variational(latent, noise),
                        classify(s["p"], latent, noise, label)))
    better = auc > s["best_auc"]
    best = jax.tree.map(lambda new, old: jnp.where(better, new, old), s["p"], s["best"])
    return s | {"best": best, "best_auc": jnp.maximum(auc, s["best_auc"]), "validation_losses": losses}


def train_epoch(s, x, label, validated, options):
    old = jax.random.wrap_key_data(s["key"])
    key, order_key, noise_key = jax.random.split(old, 3)
    order = jax.random.permutation(order_key, ROWS).reshape(STEPS, BATCH)
    if options.noise == "epoch":
        noise = jax.random.normal(noise_key, (STEPS, 2, BATCH, LATENT))
    else:
        noise = s["noise"] if options.noise == "ready" else jax.random.split(noise_key, STEPS)

    def step(s, now):
        rows, e = now
        e = jax.random.normal(e, (2, BATCH, LATENT)) if options.noise == "step" else e
        return train_step(s, x[:, rows], label[rows], e)

    s, losses = jax.lax.scan(step, s, (order, noise), unroll=options.unroll)
    s = s | {"losses": losses.mean(0), "key": jax.random.key_data(key)}
    return validate(s, x[:, ROWS:], label[ROWS:]) if validated else s


def make_population(replicas, options):
    def one(seed):
        s = fresh(seed) | {"validation_losses": jnp.zeros(3)}
        noise = jax.random.normal(jax.random.key(seed + (1 << 20)), (STEPS, 2, BATCH, LATENT))
        return s | {"noise": noise} if options.noise == "ready" else s

    return jax.jit(jax.vmap(one))(jnp.arange(1, replicas + 1))


def make_run(replicas, validated, options):
    """population, epochs -> population, jitted."""
    devices = options.devices if replicas % options.devices == 0 else 1
    chunk = min(options.chunk or replicas, replicas // devices)
    x, label = (jnp.asarray(a) for a in make_data())

    def epochs_of(population, epochs):
        one = jax.vmap(functools.partial(train_epoch, x=x, label=label, validated=validated, options=options))
        return jax.lax.fori_loop(0, epochs, lambda _, s: one(s), population)

    def run(population, epochs):
        if chunk * devices == replicas:
            return epochs_of(population, epochs)
        parts = jax.tree.map(lambda a: a.reshape(-1, chunk, *a.shape[1:]), population)
        parts = jax.lax.map(lambda s: epochs_of(s, epochs), parts)
        return jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), parts)

    if devices > 1:
        P = jax.sharding.PartitionSpec
        mesh = jax.make_mesh((devices,), ("replica",))
        run = jax.shard_map(run, mesh=mesh, in_specs=(P("replica"), P()), out_specs=P("replica"), check_vma=False)
    return jax.jit(run, donate_argnums=0)


def time_population(replicas, validated, options):
    run, state = make_run(replicas, validated, options), make_population(replicas, options)

    def train(epochs):
        nonlocal state
        start = time.perf_counter()
        state = jax.block_until_ready(run(state, epochs))
        return time.perf_counter() - start

    train(1)
    epochs, taken = 1, train(1)
    while taken < options.seconds / 2 and epochs < 1 << 20:
        epochs = int(min(max(epochs * options.seconds / taken, 2 * epochs), 16 * epochs))
        taken = train(epochs)
    rates = sorted(replicas * STEPS * epochs / train(epochs) for _ in range(options.repetitions))
    low, _, high = statistics.quantiles(rates, n=4, method="inclusive") if len(rates) > 1 else 3 * rates
    return {"replica_steps_per_second": statistics.median(rates), "quartiles": [low, high], "largest": rates[-1]}


def run_json(command):
    """What the command printed, and its peak resident bytes."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"population_jax.py: {command[0]} ended with status {os.waitstatus_to_exitcode(status)}")
    return json.loads(text), usage.ru_maxrss * 1024


def compare(options):
    """Rounds of both programs in turn, a process for each size of population; medians over rounds, and their ratios."""
    own = [f"--{k}={getattr(options, k)}" for k in ("unroll", "chunk", "devices", "noise", "random")]
    both = {"ours": [options.against], "jax": [sys.executable, os.path.abspath(__file__), *own]}
    results = []
    for replicas in options.replicas:
        rates = {key: [] for name in both for key in (name, name + " validated")}
        peak = dict.fromkeys(both, 0)
        for _ in range(options.rounds):
            for name, command in both.items():
                numbers = [f"--{k}={getattr(options, k)}" for k in ("threads", "repetitions", "seconds")]
                out, most = run_json([*command, *numbers, f"--replicas={replicas}", "--json"])
                found = out["populations"][0]
                rates[name].append(found["replica_steps_per_second"])
                rates[name + " validated"].append(found["validated_each_epoch"]["replica_steps_per_second"])
                peak[name] = max(peak[name], most)
        median = {key: statistics.median(values) for key, values in rates.items()}
        ratios = [median["ours" + kind] / median["jax" + kind] for kind in ("", " validated")]
        results.append({"replicas": replicas, "medians": median, "ratios": ratios, "rounds": rates, "peak_bytes": peak})
        if options.json:
            continue
        if len(results) == 1:
            print("{:>9} {:>10} {:>10} {:>7} {:>15} {:>14} {:>7} {:>9} {:>8}".format(
                "replicas", "ours", "JAX", "ratio", "ours validated", "JAX validated", "ratio", "ours MiB", "JAX MiB"))
        print("{:>9} {:>10.0f} {:>10.0f} {:>7.2f} {:>15.0f} {:>14.0f} {:>7.2f} {:>9.0f} {:>8.0f}".format(
            replicas, median["ours"], median["jax"], ratios[0], median["ours validated"], median["jax validated"],
            ratios[1], peak["ours"] / 2**20, peak["jax"] / 2**20), flush=True)
    if options.json:
        print(json.dumps({"rounds": options.rounds, "populations": results}))
    return 0


def measure(options):
    cores = options.threads or len(os.sched_getaffinity(0))
    name = f"JAX {jax.__version__}, CPU, {cores} thread{'s' if cores > 1 else ''}"
    out = {"device": name, "repetitions": options.repetitions, "populations": []}
    if not options.json:
        print(f"MLDRL population, {name}, batch 32, {options.repetitions} repetitions of about {options.seconds} s")
        kinds = ("replica-steps/s", "validated")
        print(" replicas", *("{:>16} {:>24}".format(kind, "quartiles") for kind in kinds))
    for replicas in options.replicas:
        plain, validated = (time_population(replicas, v, options) for v in (False, True))
        out["populations"].append({"replicas": replicas, **plain, "validated_each_epoch": validated})
        if not options.json:
            print("{:>9} {:>16.0f} {:>12.0f} {:>11.0f} {:>16.0f} {:>12.0f} {:>11.0f}".format(
                replicas, plain["replica_steps_per_second"], *plain["quartiles"],
                validated["replica_steps_per_second"], *validated["quartiles"]), flush=True)
    if options.json:
        print(json.dumps(out))
    return 0


def options_of(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicas", type=int, nargs="+", default=[1, 8, 64, 512], help="sizes of population")
    parser.add_argument("--repetitions", type=int, default=7, help="timed runs (default 7)")
    parser.add_argument("--seconds", type=float, default=0.25, help="length of a run (default 0.25)")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads, 0 for all")
    parser.add_argument("--unroll", type=int, default=1, help="steps of the scan unrolled (default 1)")
    parser.add_argument("--chunk", type=int, default=0, help="replicas trained at a time, 0 for all")
    parser.add_argument("--devices", type=int, default=1, help="host devices the population is split over (default 1)")
    parser.add_argument("--noise", choices=("step", "epoch", "ready"), default="epoch")
    parser.add_argument("--random", choices=("threefry2x32", "rbg", "unsafe_rbg"), default="threefry2x32")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--against", metavar="PROGRAM", help="population_bench, to be run in turn with this script")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of --against (default 3)")
    options = parser.parse_args(arguments)
    if min(options.replicas + [options.repetitions, options.unroll, options.devices, options.rounds]) < 1:
        parser.error("--replicas, --repetitions, --unroll, --devices and --rounds must be at least 1")
    return options


def main():
    options = options_of(sys.argv[1:])
    if options.against:
        return compare(options)
    import_jax(options)
    return measure(options)


if __name__ == "__main__":
    sys.exit(main())
