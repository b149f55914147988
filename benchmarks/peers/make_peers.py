#!/usr/bin/env python3
"""The peers' models: what `psad_peers write FOLDER` wrote, as TorchScript and as ONNX.

Usage: make_peers.py FOLDER

For every FOLDER/CASE.safetensors writes FOLDER/CASE.pt, FOLDER/CASE.onnx, the inputs (CASE.inputs.safetensors) with
their names in the order of the model's arguments (CASE.inputs.json), and the shape of the scores (CASE.output.json).
Shapes are static, embeddings are looked up beforehand, and each layer is written in the form that costs the peers
least: parts that are the same for a whole list are multiplied once per list, batches of one are plain matrices.
Needs PyTorch and onnx (Debian: python3-torch, python3-onnx).
"""

import json
import struct
import sys
from pathlib import Path

import numpy
import torch
from torch.nn.functional import layer_norm, softplus

TYPES = {"F32": numpy.float32, "I32": numpy.int32, "I64": numpy.int64}


def read(path):
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8 : 8 + size])
    metadata = head.pop("__metadata__", {})
    tensors = {}
    for name, t in head.items():
        begin, end = (8 + size + at for at in t["data_offsets"])
        tensors[name] = numpy.frombuffer(data[begin:end], TYPES[t["dtype"]]).reshape(t["shape"]).copy()
    return metadata, tensors


def write(path, arrays):
    head, data = {}, b""
    for name, a in arrays:
        a = numpy.ascontiguousarray(a, numpy.float32)
        head[name] = {"dtype": "F32", "shape": list(a.shape), "data_offsets": [len(data), len(data) + a.nbytes]}
        data += a.tobytes()
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class Model(torch.nn.Module):
    """Weights by psad's names; B lists of n candidates and H events."""

    def __init__(self, metadata, tensors, prefix=""):
        super().__init__()
        self.B, self.n, self.H, self.L = (int(metadata[k]) for k in ("lists", "candidates", "history", "positions"))
        self.K = int(metadata["block"])
        self.prefix = prefix
        for name, a in tensors.items():
            is_table = ".features.item." in name or ".features.profile.field" in name
            if not name.startswith(("in.", "psad.")) and not is_table:
                self.register_buffer(name.replace(".", "__"), torch.from_numpy(a))

    def w(self, name):
        return getattr(self, (self.prefix + name).replace(".", "__"))

    def has(self, name):
        return hasattr(self, (self.prefix + name).replace(".", "__"))

    def linear(self, x, name):
        """x W + b over rows [.., in]."""
        weight = self.w(name + ".weight")
        flat = x.reshape(-1, weight.shape[0])
        if self.has(name + ".bias"):
            return torch.addmm(self.w(name + ".bias"), flat, weight)
        return flat @ weight

    def per_list(self, x):
        """Rows of lists, to be added to rows of their candidates."""
        return x if self.B == 1 else x.reshape(self.B, 1, -1)

    def plus_per_list(self, x, per_list):
        """[B n, w] + [B, w] of the list."""
        if self.B == 1:
            return x + per_list
        return (x.reshape(self.B, -1, x.shape[-1]) + per_list.reshape(self.B, 1, -1)).reshape(x.shape)

    def norm(self, x, name):
        return layer_norm(x, (x.shape[-1],), self.w(name + ".weight")[0], self.w(name + ".bias")[0], 1e-5)

    def heads(self, x):
        """[B r, 64] to [B, 4, r, 16]."""
        return x.reshape(self.B, -1, 4, 16).transpose(1, 2)

    def attend(self, x, keys, values, name):
        """`keys` and `values` by heads."""
        scores = self.heads(self.linear(x, name + ".query")) @ keys.transpose(2, 3) * 0.25
        mixed = (torch.softmax(scores, -1) @ values).transpose(1, 2).reshape(-1, 64)
        return self.linear(mixed, name + ".out")

    def keys_values(self, x, name):
        return self.heads(self.linear(x, name + ".key")), self.heads(self.linear(x, name + ".value"))

    def feed_forward(self, x, name):
        return x + self.linear(torch.relu(self.linear(self.norm(x, name + ".norm"), name + ".hidden")), name + ".out")

    def two_sigmoid(self, x):
        return 2 * torch.sigmoid(x)

    def gate(self, x, name):
        return self.two_sigmoid(self.linear(torch.relu(self.linear(x, name + ".hidden")), name + ".out"))


class Scorer(Model):
    def forward(self, items, user):
        weight, bias = self.w("hidden1.weight"), self.w("hidden1.bias")
        partial = user @ weight[:64] + bias
        rank = self.w("rank.table")[: self.n]
        x = items + rank if self.B == 1 else (items.reshape(self.B, self.n, 64) + rank).reshape(-1, 64)
        if self.has("norm.weight"):
            h = self.norm(x, "norm")
            x = x + self.attend(h, *self.keys_values(h, "attention"), "attention")
        hidden = torch.relu(self.plus_per_list(x @ weight[64:], partial))
        return self.linear(torch.relu(self.linear(hidden, "hidden2")), "out")

    def inputs(self, t):
        return [("items", t["in.items"].reshape(-1, 64)), ("user", t["in.user"].reshape(-1, 64))]


def rows(table, index):
    """Zero where the index is negative."""
    return numpy.where(index[:, None] >= 0, table[numpy.maximum(index, 0)], 0).astype(numpy.float32)


def bag_sums(t, prefix, of, features):
    """The sum over fields of the mean over a field's values."""
    total, f = 0, 0
    while (name := f"in.{of}_fields.{f}") + ".bag" in t:
        bag, ids = t[name + ".bag"], t[name + ".ids"]
        table = t[f"{prefix}features.{features}.field{f}"]
        means = [table[ids[a:b]].mean(0) if b > a else numpy.zeros(64) for a, b in zip(bag[:-1], bag[1:])]
        total = total + numpy.array(means, numpy.float32)
        f += 1
    return total


def with_deviations(t, n):
    """Dense features, then the deviations of the first of them within their list."""
    x, scale, shift = t["in.dense"], t["in.list_scale"], t["in.list_shift"]
    own = x[:, : scale.shape[1]]
    return numpy.concatenate([x, own * scale.repeat(n, 0) + shift.repeat(n, 0)], 1)


class Upn(Model):
    """Embeddings and the parts of a UPN that student and teacher have alike."""

    def features(self, item_ids, dense, profile_ids, profile):
        item = item_ids + self.linear(dense, "features.dense")
        return item, profile_ids + self.linear(profile, "features.profile")

    def key_scale(self, user):
        return self.two_sigmoid(self.linear(user, "upn.position.scale"))

    def decay(self, user, log_age):
        """[B, H]"""
        return -softplus(self.linear(user, "upn.fading.rate")) * log_age

    def match(self, match_dense, mass, last_match, has_interacted):
        m = "upn.match."
        hidden = torch.relu(torch.addmm(self.linear(match_dense, m + "features"), mass, self.w(m + "mass")))
        match = self.linear(hidden, m + "out")
        if self.B == 1:
            return has_interacted * match + last_match
        match = has_interacted.reshape(self.B, 1, 1) * match.reshape(self.B, self.n, 64)
        return match.reshape(-1, 64) + last_match

    def inputs(self, t):
        p, n, H = self.prefix, self.n, self.H
        same = numpy.zeros((self.B * n, H), numpy.float32)
        bag, ids = t["in.match.bag"], t["in.match.ids"]
        for i, (a, b) in enumerate(zip(bag[:-1], bag[1:])):
            same[i, ids[a:b] - i // n * H] = 1
        position = rows(t[p + "upn.position.bucket.table"], t["in.age_bucket"])
        position += rows(t[p + "upn.position.index.table"], t["in.event_index"])
        m = p + "upn.match."
        last_match = rows(t[m + "bucket.table"], t["in.match_bucket"]) + rows(t[m + "index.table"], t["in.match_index"])
        last_match += rows(t[m + "feedback.table"], t["in.match_feedback"])
        event = bag_sums(t, p, "event", "item") + rows(t[p + "features.feedback.table"], t["in.feedback"])
        return [
            ("item_ids", bag_sums(t, p, "item", "item")),
            ("dense", with_deviations(t, n)),
            ("profile_ids", bag_sums(t, p, "profile", "profile")),
            ("profile", t["in.profile_dense"]),
            ("event", event.reshape(self.B, H, 64)),
            ("position", position.reshape(self.B, H, 64)),
            ("log_age", numpy.log1p(t["in.age"]).reshape(self.B, H)),
            ("same", same.reshape(self.B, n, H)),
            ("match_dense", t["in.match_dense"]),
            ("last_match", last_match),
            ("has_interacted", t["in.has_interacted"].reshape(self.B, 1)),
            ("rank", rows(t[p + "rank.table"], t["in.rank"])),
        ]


class Student(Upn):
    def forward(self, item_ids, dense, profile_ids, profile, event, position, log_age, same, match_dense, last_match,
                has_interacted, rank):
        B, n, H = self.B, self.n, self.H
        item, user = self.features(item_ids, dense, profile_ids, profile)
        query = self.linear(user, "upn.query").reshape(B, 64, 1)
        key = position * self.per_list(self.key_scale(user)) + event
        scores = (key @ query).reshape(B, H) * 0.125 + self.decay(user, log_age)
        alpha = torch.softmax(scores, -1)
        intent = (alpha.reshape(B, 1, H) @ event).reshape(B, 64)
        scale = self.gate(torch.cat([user, intent], 1), "upn.gate") + self.linear(intent, "upn.scale")
        shift = self.linear(intent, "upn.mix")
        mass = (same @ alpha.reshape(B, H, 1)).reshape(B * n, 1)
        match = self.match(match_dense, mass, last_match, has_interacted)
        if B == 1:
            x = scale * item + shift + match + rank
        else:
            item = (scale.reshape(B, 1, 64) * item.reshape(B, n, 64) + shift.reshape(B, 1, 64)).reshape(-1, 64)
            x = item + match + rank
        weight, bias = self.w("hidden1.weight"), self.w("hidden1.bias")
        lists = x.reshape(B, n, 64)
        whole = torch.cat([user, intent, lists.mean(1), lists.max(1)[0]], 1)
        around = torch.cat([weight[:128], weight[192:]])
        partial = whole @ around + bias
        hidden = torch.relu(self.plus_per_list(x @ weight[128:192], partial))
        return self.linear(torch.relu(self.linear(hidden, "hidden2")), "out")


class Teacher(Upn):
    """One list, generated block by block with cached keys and values; the loop is unrolled."""

    def personalised(self, item, user, event, position, log_age, same, match_dense, last_match, has_interacted):
        weight, bias = self.w("upn.query.weight"), self.w("upn.query.bias")
        query = item @ weight[:64] + (user @ weight[64:] + bias)
        event, position = event[0], position[0]
        key = self.linear(event, "upn.key") + position * self.key_scale(user)
        scores = query @ key.t() * 0.125 + self.decay(user, log_age)
        alpha = torch.softmax(scores + same[0] * self.w("upn.match_logit.logit"), -1)
        mass = (alpha * same[0]).sum(1, keepdim=True)
        intent = alpha @ event + self.match(match_dense, mass, last_match, has_interacted)
        mixed = self.linear(torch.cat([intent, item * intent], 1), "upn.mix")
        weight, bias = self.w("upn.gate.hidden.weight"), self.w("upn.gate.hidden.bias")
        hidden = torch.cat([intent, item], 1) @ weight[64:] + (user @ weight[:64] + bias)
        return self.two_sigmoid(self.linear(torch.relu(hidden), "upn.gate.out")) * item + mixed

    def forward(self, item_ids, dense, profile_ids, profile, event, position, log_age, same, match_dense, last_match,
                has_interacted, rank):
        item, user = self.features(item_ids, dense, profile_ids, profile)
        item = self.personalised(item, user, event, position, log_age, same, match_dense, last_match, has_interacted)
        z = item + rank
        for i in range(self.count("encoder")):
            name = f"encoder.{i}"
            h = self.norm(z, name + ".norm")
            z = z + self.attend(h, *self.keys_values(h, name + ".attention"), name + ".attention")
            z = self.feed_forward(z, name + ".feed_forward")
        z = self.norm(z, "encoded")
        layers = range(self.count("decoder"))
        crossed = [self.keys_values(z, f"decoder.{i}.cross") for i in layers]
        pointer = self.linear(z, "pointer_key").t()
        part = self.linear(item, "transition.parts")
        r = part.shape[1] // 4
        one, two = (part[:, i : i + r] @ part[:, i + r : i + 2 * r].t() for i in (0, 2 * r))
        encoding = self.w("slot.table") * self.two_sigmoid(self.linear(user, "slot_gate"))
        number = torch.arange(self.n)
        unavailable = torch.zeros(self.n)
        chosen, best, cache = [], [], [[] for _ in layers]
        for t in range(0, self.L, self.K):
            until = min(t + self.K, self.L)
            if t == 0:
                before = self.w("start.table").expand(until, 64)
            else:
                before = torch.cat([item.index_select(0, c) for c in chosen[t - self.K : until - self.K]])
            h = before + encoding[t:until]
            for i in layers:
                name = f"decoder.{i}"
                normal = self.norm(h, name + ".norm")
                cache[i].append(self.keys_values(normal, name + ".self"))
                keys, values = (torch.cat([c[j] for c in cache[i]], 2) for j in (0, 1))
                h = h + self.attend(normal, keys, values, name + ".self")
                h = h + self.attend(self.norm(h, name + ".cross_norm"), *crossed[i], name + ".cross")
                h = self.feed_forward(h, name + ".feed_forward")
            logits = self.linear(self.norm(h, "decoded"), "pointer_query") @ pointer * 0.125
            for k in range(until - t):
                row = logits[k]
                if t + k > 0:
                    row = row + one.index_select(0, chosen[-1])[0]
                if t + k > 1:
                    row = row + two.index_select(0, chosen[-2])[0]
                row = row + unavailable
                at = torch.argmax(row, keepdim=True)
                unavailable = torch.where(number == at, torch.tensor(-1e9), unavailable)
                chosen.append(at)
                best.append(row.index_select(0, at))
        return torch.cat(best)

    def count(self, of):
        i = 0
        while self.has(f"{of}.{i}.norm.weight"):
            i += 1
        return i


KINDS = {"scorer": (Scorer, ""), "student": (Student, "student."), "teacher": (Teacher, "teacher.")}


def main():
    torch.set_num_threads(1)
    for path in sorted(Path(sys.argv[1]).glob("*.safetensors")):
        if path.name.endswith((".inputs.safetensors", "training.safetensors")):
            continue
        metadata, tensors = read(path)
        kind, prefix = KINDS[metadata["kind"]]
        model = kind(metadata, tensors, prefix).eval()
        named = model.inputs(tensors)
        inputs = tuple(torch.from_numpy(numpy.ascontiguousarray(a, numpy.float32)) for _, a in named)
        with torch.no_grad():
            scores = model(*inputs).reshape(-1)
            wanted = torch.from_numpy(tensors["psad.scores"])
            difference, largest = float((scores - wanted).abs().max()), float(wanted.abs().max())
            print(f"{path.stem}: largest difference {difference:.2e} of {largest:.2f}")
            stem = str(path)[: -len(".safetensors")]
            traced = torch.jit.trace(model, inputs, check_trace=False)
            torch.jit.freeze(traced).save(stem + ".pt")
            torch.onnx.export(model, inputs, stem + ".onnx", input_names=[name for name, _ in named],
                              output_names=["scores"], opset_version=16)
        write(Path(stem + ".inputs.safetensors"), named)
        Path(stem + ".inputs.json").write_text(json.dumps([name for name, _ in named]))
        Path(stem + ".output.json").write_text(json.dumps(list(model(*inputs).shape)))


if __name__ == "__main__":
    main()
