#!/usr/bin/env python3
"""The joint training of psad's default pair in PyTorch: the same parameters, batch, losses and optimiser.

Usage: train_peer.py FOLDER THREADS

Reads FOLDER/training.safetensors of `psad_peers write`, trains as many steps as psad did and prints the largest
relative difference of the losses. Then for every line `N` on standard input it makes N steps and prints the
milliseconds of one.
Batches are dense: all lists have as many candidates and events. Needs PyTorch (Debian: python3-torch).
"""

import math
import os
import sys
import time
from pathlib import Path

# OpenBLAS has threads beside OpenMP's. OpenMP's must sleep while they wait, or they take cores from OpenBLAS.
os.environ["OPENBLAS_NUM_THREADS"] = sys.argv[2] if len(sys.argv) > 2 else "1"
os.environ["OMP_WAIT_POLICY"] = "passive"

import numpy
import torch
from torch.nn.functional import embedding, layer_norm, log_softmax, softplus

from make_peers import read, with_deviations


class Pair:
    def __init__(self, metadata, tensors):
        self.B, self.n, self.H, self.L = (int(metadata[k]) for k in ("lists", "candidates", "history", "positions"))
        self.K = int(metadata["block"])
        self.p = {k: torch.from_numpy(a).requires_grad_() for k, a in tensors.items()
                  if not k.startswith(("in.", "psad."))}
        self.t = {k: torch.from_numpy(a) for k, a in tensors.items() if k.startswith("in.")}
        B, n, H, L = self.B, self.n, self.H, self.L
        self.ids = {}
        for of, rows in (("item", B * n), ("event", B * H), ("profile", B)):
            f = 0
            while f"in.{of}_fields.{f}.ids" in self.t:
                self.ids[of, f] = self.t[f"in.{of}_fields.{f}.ids"].long().reshape(rows, -1)
                f += 1
        same = numpy.zeros((B * n, H), numpy.float32)
        bag, ids = tensors["in.match.bag"], tensors["in.match.ids"]
        for i, (a, b) in enumerate(zip(bag[:-1], bag[1:])):
            same[i, ids[a:b] - i // n * H] = 1
        self.same = torch.from_numpy(same).reshape(B, n, H)
        self.dense = torch.from_numpy(with_deviations(tensors, n)).reshape(B, n, -1)
        self.log_age = torch.log1p(self.t["in.age"]).reshape(B, H)
        order = torch.from_numpy(tensors["in.order"]).long().reshape(B, L)
        self.order = order
        placed_at = torch.full((B, n), 1 << 30)
        placed_at.scatter_(1, order, torch.arange(L).expand(B, L))
        positions = torch.arange(L)
        self.unavailable = (placed_at[:, None, :] < positions[None, :, None]).float() * -1e30  # placed before
        self.later_block = (positions[None, :] // self.K > positions[:, None] // self.K).float() * -1e30
        self.weight = 1 / torch.log2(positions + 2.0)
        self.target = torch.zeros(B, L, n).scatter_(2, order[:, :, None], 1.0)

    def linear(self, x, name):
        out = x @ self.p[name + ".weight"]
        return out + self.p[name + ".bias"] if name + ".bias" in self.p else out

    def in_parts(self, name, *parts):
        """Parts per list are multiplied once per list."""
        weight, at, total = self.p[name + ".weight"], 0, self.p.get(name + ".bias", 0)
        for x in parts:
            product = x @ weight[at : at + x.shape[-1]]
            total = total + (product[:, None] if product.dim() == 2 and any(y.dim() == 3 for y in parts) else product)
            at += x.shape[-1]
        return total

    def table(self, name, index, shape):
        out = embedding(index.clamp(min=0).long(), self.p[name + ".table"]) * (index >= 0)[:, None]
        return out.reshape(*shape, -1)

    def embed(self, prefix, of, features):
        total = 0
        for (kind, f), ids in self.ids.items():
            if kind == of:
                total = total + embedding(ids, self.p[f"{prefix}features.{features}.field{f}"]).mean(1)
        return total

    def norm(self, x, name):
        return layer_norm(x, (64,), self.p[name + ".weight"][0], self.p[name + ".bias"][0], 1e-5)

    def heads(self, x):
        return x.reshape(self.B, -1, 4, 16).transpose(1, 2)

    def attend(self, x, to, name, hidden=None):
        q = self.heads(self.linear(x, name + ".query"))
        k, v = (self.heads(self.linear(to, name + part)) for part in (".key", ".value"))
        scores = q @ k.transpose(2, 3) * 0.25
        if hidden is not None:
            scores = scores + hidden
        return self.linear((torch.softmax(scores, -1) @ v).transpose(1, 2).reshape(self.B, -1, 64), name + ".out")

    def feed_forward(self, x, name):
        return x + self.linear(torch.relu(self.linear(self.norm(x, name + ".norm"), name + ".hidden")), name + ".out")

    def gate(self, name, *parts):
        return 2 * torch.sigmoid(self.linear(torch.relu(self.in_parts(name + ".hidden", *parts)), name + ".out"))

    def features(self, p):
        B, n, H, t = self.B, self.n, self.H, self.t
        item = self.embed(p, "item", "item").reshape(B, n, 64) + self.linear(self.dense, p + "features.dense")
        user = self.embed(p, "profile", "profile") + self.linear(t["in.profile_dense"], p + "features.profile")
        event = self.embed(p, "event", "item").reshape(B, H, 64)
        event = event + self.table(p + "features.feedback", t["in.feedback"], (B, H))
        return item, user, event

    def event_positions(self, p, user):
        at = self.table(p + "upn.position.bucket", self.t["in.age_bucket"], (self.B, self.H))
        at = at + self.table(p + "upn.position.index", self.t["in.event_index"], (self.B, self.H))
        return at * (2 * torch.sigmoid(self.linear(user, p + "upn.position.scale")))[:, None]

    def match(self, p, mass):
        B, n, t, m = self.B, self.n, self.t, p + "upn.match."
        match = self.linear(t["in.match_dense"].reshape(B, n, -1), m + "features") + mass * self.p[m + "mass"]
        last = self.table(m + "bucket", t["in.match_bucket"], (B, n))
        last = last + self.table(m + "index", t["in.match_index"], (B, n))
        last = last + self.table(m + "feedback", t["in.match_feedback"], (B, n))
        return t["in.has_interacted"].reshape(B, 1, 1) * self.linear(torch.relu(match), m + "out") + last

    def decay(self, p, user):
        return -softplus(self.linear(user, p + "upn.fading.rate")) * self.log_age

    def picked(self, x, at):
        """Rows of [B, n, w] by [B, r]."""
        return x.gather(1, at[:, :, None].expand(-1, -1, x.shape[2]))

    def along(self, logits, part):
        r = part.shape[2] // 4
        zero = torch.zeros(self.B, 1, part.shape[2])
        one = torch.cat([zero, self.picked(part, self.order[:, :-1])], 1)
        two = torch.cat([zero, zero, self.picked(part, self.order[:, :-2])], 1)
        logits = logits + one[:, :, :r] @ part[:, :, r : 2 * r].transpose(1, 2)
        return logits + two[:, :, 2 * r : 3 * r] @ part[:, :, 3 * r :].transpose(1, 2)

    def teacher(self):
        p, B, L, K = "teacher.", self.B, self.L, self.K
        item, user, event = self.features(p)
        query = self.in_parts(p + "upn.query", item, user)
        key = self.linear(event, p + "upn.key") + self.event_positions(p, user)
        scores = query @ key.transpose(1, 2) * 0.125 + self.decay(p, user)[:, None]
        alpha = torch.softmax(scores + self.same * self.p[p + "upn.match_logit.logit"], -1)
        intent = alpha @ event + self.match(p, (alpha * self.same).sum(2, keepdim=True))
        mixed = self.in_parts(p + "upn.mix", intent, item * intent)
        item = self.gate(p + "upn.gate", user, intent, item.detach()) * item + mixed
        z = item + self.table(p + "rank", self.t["in.rank"], (B, self.n))
        i = 0
        while f"{p}encoder.{i}.norm.weight" in self.p:
            h = self.norm(z, f"{p}encoder.{i}.norm")
            z = self.feed_forward(z + self.attend(h, h, f"{p}encoder.{i}.attention"), f"{p}encoder.{i}.feed_forward")
            i += 1
        z = self.norm(z, p + "encoded")
        start = self.p[p + "start.table"].expand(B, K, 64)
        h = torch.cat([start, self.picked(item, self.order[:, : L - K])], 1)
        h = h + self.p[p + "slot.table"] * (2 * torch.sigmoid(self.linear(user, p + "slot_gate")))[:, None]
        i = 0
        while f"{p}decoder.{i}.norm.weight" in self.p:
            d = f"{p}decoder.{i}"
            own = self.norm(h, d + ".norm")
            h = h + self.attend(own, own, d + ".self", self.later_block)
            h = h + self.attend(self.norm(h, d + ".cross_norm"), z, d + ".cross")
            h = self.feed_forward(h, d + ".feed_forward")
            i += 1
        query = self.linear(self.norm(h, p + "decoded"), p + "pointer_query")
        logits = query @ self.linear(z, p + "pointer_key").transpose(1, 2) * 0.125
        return self.along(logits, self.linear(item, p + "transition.parts"))

    def student(self):
        p, B, n = "student.", self.B, self.n
        item, user, event = self.features(p)
        query = self.linear(user, p + "upn.query")
        key = event + self.event_positions(p, user)
        alpha = torch.softmax((key @ query[:, :, None])[:, :, 0] * 0.125 + self.decay(p, user), -1)
        intent = (alpha[:, None] @ event)[:, 0]
        scale = self.gate(p + "upn.gate", user, intent) + self.linear(intent, p + "upn.scale")
        mass = self.same @ alpha[:, :, None]
        item = scale[:, None] * item + self.linear(intent, p + "upn.mix")[:, None] + self.match(p, mass)
        item = item + self.table(p + "rank", self.t["in.rank"], (B, n))
        hidden = torch.relu(self.in_parts(p + "hidden1", user, intent, item, item.mean(1), item.max(1)[0]))
        score = self.linear(torch.relu(self.linear(hidden, p + "hidden2")), p + "out")
        return self.along(score.transpose(1, 2), self.linear(item, p + "transition.parts"))

    def loss(self):
        teacher = log_softmax(self.teacher() + self.unavailable, -1)
        student = log_softmax(self.student() + self.unavailable, -1)
        weight = self.weight[None, :, None]
        of_teacher = -(weight * self.target * teacher).sum()
        supervised = -(weight * self.target * student).sum()
        distilled = -(weight * teacher.detach().exp() * student).sum()
        return (of_teacher + supervised + distilled) / self.B


class AdamW:
    """Weight decay of what begins at random, one norm for all gradients; table rows that the batch does not read stay."""

    def __init__(self, pair, steps):
        self.steps, self.at, self.pair = steps, 0, pair
        # Events of these lists have no numbers, and nothing reads the weight for them.
        dense = {k: x for k, x in pair.p.items() if ".field" not in k and ".event_dense." not in k}
        self.dense = list(dense.values())
        # One row decays where it begins at random: it is no bias and no scale.
        self.decays = [x.shape[0] > 1 or k.endswith((".mass", "start.table")) for k, x in dense.items()]
        self.tables = []
        for name, x in pair.p.items():
            if ".field" in name:
                prefix, of, f = name.split(".")[0], name.split(".")[2], int(name.split("field")[1])
                kinds = ("item", "event") if of == "item" else ("profile",)
                rows = torch.cat([pair.ids[k, f].reshape(-1) for k in kinds]).unique()
                self.tables.append((x, rows))
        self.state = [(torch.zeros_like(x), torch.zeros_like(x)) for x in self.dense + [x for x, _ in self.tables]]

    def step(self):
        self.at += 1
        progress = min(self.at / self.steps, 1.0)
        cosine = 0.5 * (1 + math.cos(math.pi * (progress - 0.05) / 0.95))
        scale = progress / 0.05 if progress < 0.05 else 0.01 + 0.99 * cosine
        rate = 1e-3 * scale
        everything = self.dense + [x for x, _ in self.tables]
        total = math.sqrt(float(sum((x.grad * x.grad).sum() for x in everything)))
        shrink = min(1.0, 1.0 / total)
        c1, c2 = 1 / (1 - 0.9**self.at), 1 / (1 - 0.999**self.at)
        with torch.no_grad():
            for i, x in enumerate(self.dense):
                m, v = self.state[i]
                g = x.grad.mul_(shrink)
                m.mul_(0.9).add_(g, alpha=0.1)
                v.mul_(0.999).addcmul_(g, g, value=0.001)
                if self.decays[i]:
                    x.mul_(1 - rate * 0.05)
                x.addcdiv_(m * c1, (v * c2).sqrt_().add_(1e-8), value=-rate)
            for (x, rows), (m, v) in zip(self.tables, self.state[len(self.dense) :]):
                g = x.grad[rows] * shrink
                m[rows] = mine = m[rows] * 0.9 + g * 0.1
                v[rows] = squares = v[rows] * 0.999 + g * g * 0.001
                x[rows] = x[rows] * (1 - rate * 0.05) - rate * (mine * c1) / ((squares * c2).sqrt() + 1e-8)
        for x in everything:
            x.grad = None


def main():
    torch.set_num_threads(int(sys.argv[2]))
    metadata, tensors = read(Path(sys.argv[1]) / "training.safetensors")
    pair = Pair(metadata, tensors)
    wanted = tensors["psad.losses"]
    optimizer = AdamW(pair, len(wanted))

    def step():
        loss = pair.loss()
        loss.backward()
        optimizer.step()
        return float(loss.detach())

    losses = [step() for _ in wanted]
    print(max(abs(a - b) / abs(b) for a, b in zip(losses, wanted)), flush=True)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            step()
        print(1000 * (time.perf_counter() - start) / int(line), flush=True)


if __name__ == "__main__":
    main()
