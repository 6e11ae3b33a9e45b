#!/usr/bin/env python3
"""A training step of a dedicated-feature crosscoder in plain PyTorch: the yardstick of `dfc-audit bench train`.

The mathematics of METHOD section 3 as one writes it down: dense encode of both models, BatchTopK over the batch,
dense decode, autograd, gradient clip, Adam.  The partition is a mask.  Random rows, as in `bench train`.

    python3 docs/tools/torch_step.py --da 512 --db 512 --width 8192 --exclusive 0.05 -k 64 --batch 2048 --steps 3
"""
import argparse
import statistics
import time

import torch

p = argparse.ArgumentParser()
for name, value in (("--da", 512), ("--db", 512), ("--width", 8192), ("-k", 64), ("--batch", 2048), ("--steps", 3),
                    ("--threads", 2)):
    p.add_argument(name, type=int, default=value)
p.add_argument("--exclusive", type=float, default=0.05)
o = p.parse_args()
torch.set_num_threads(o.threads)
torch.manual_seed(1)

own = int(o.width * o.exclusive + 0.5)
d = (o.da, o.db)
mask = torch.ones(2, o.width, 1)
mask[1, :own] = 0
mask[0, o.width - own:] = 0
dec = [torch.nn.Parameter(mask[m] * torch.nn.functional.normalize(torch.randn(o.width, d[m]), dim=1) * 0.4)
       for m in (0, 1)]
enc = [torch.nn.Parameter(x.detach().t().clone()) for x in dec]
bias_enc = torch.nn.Parameter(torch.zeros(o.width))
bias_dec = [torch.nn.Parameter(torch.zeros(n)) for n in d]
params = dec + enc + [bias_enc] + bias_dec
adam = torch.optim.Adam(params, lr=1e-4)
rows = [[torch.randn(o.batch, n) for n in d] for _ in range(4)]
double = 1 + (mask.sum(0) < 2).float().flatten()


def step(x):
    f = torch.relu(x[0] @ enc[0] + x[1] @ enc[1] + bias_enc)
    norm = double * (dec[0].norm(dim=1) + dec[1].norm(dim=1)).detach()
    score = (f * norm).flatten()
    keep = torch.topk(score, o.k * o.batch, sorted=False).indices
    f = torch.zeros_like(score).scatter(0, keep, 1).view_as(f) * f
    loss = sum(((x[m] - f @ dec[m] - bias_dec[m]) ** 2).sum(1).mean() for m in (0, 1))
    adam.zero_grad(set_to_none=True)
    loss.backward()
    for m in (0, 1):
        dec[m].grad.mul_(mask[m])
        enc[m].grad.mul_(mask[m].t())
    torch.nn.utils.clip_grad_norm_(params, 1.0)
    adam.step()


taken = []
for i in range(o.steps + 1):
    start = time.perf_counter()
    step(rows[i % 4])
    taken.append(time.perf_counter() - start)
print("%.0f pairs a second (median of %d steps after a warm-up, %d threads, torch %s)" %
      (o.batch / statistics.median(taken[1:]), o.steps, o.threads, torch.__version__))
