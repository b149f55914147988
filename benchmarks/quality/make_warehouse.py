#!/usr/bin/python3
"""Logs of a made-up marketplace whose truth is known, as a warehouse would export them (wants Debian's python3-numpy).

Writes requests.jsonl (20,000 requests of 30 candidates), items.csv, users.csv and events.csv, and, for judging alone,
truth.npz. Utility comes from price against the list, click rate, rating, brands and categories that the user likes,
distance, delivery, discount, and what was seen or bought before; each like brand within three places above costs.
Clicks, carts and purchases follow, with position bias.
"""

import argparse
import csv
import json
import random
import uuid
from pathlib import Path

import numpy as np

REQUESTS, ITEMS, USERS, BRANDS, CATEGORIES, CANDIDATES = 20000, 4000, 3000, 200, 20, 30
START, DAYS = 1_790_000_000, 60
FEATURES = ["price", "discount", "ctr_7d", "ctr_30d", "margin", "distance_km", "rating", "n_reviews", "stock",
            "age_days", "base_score", "delivery_days"]
DEVICES, KINDS = ["desktop", "mobile", "app"], {1: "view", 2: "cart", 3: "purchase"}


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Items:
    def __init__(self, r):
        self.category = r.integers(0, CATEGORIES, ITEMS)
        brand = np.minimum(BRANDS - 1, (r.pareto(0.9, ITEMS) * 6).astype(int))
        self.brand = np.where(r.random(ITEMS) < 0.3, r.integers(0, BRANDS, ITEMS), brand)
        self.quality = r.normal(size=ITEMS)
        by_category = r.normal(3.2, 0.5, CATEGORIES)[self.category]
        self.price = np.exp(by_category + r.normal(0, 0.6, ITEMS) + 0.15 * self.quality)
        self.rating = np.clip(4 + 0.35 * (0.7 * self.quality + 0.7 * r.normal(size=ITEMS)), 1, 5)
        self.reviews = np.exp(r.normal(3, 1.3, ITEMS) + 0.3 * self.quality).astype(int)
        self.margin = r.beta(2, 6, ITEMS)
        self.age = r.integers(1, 900, ITEMS)
        self.sku = ["SKU-" + uuid.UUID(int=random.getrandbits(128)).hex[:10].upper() for _ in range(ITEMS)]
        self.of_category = [np.flatnonzero(self.category == c) for c in range(CATEGORIES)]


class Users:
    def __init__(self, r, items):
        self.region, self.segment, self.band = (r.integers(0, n, USERS) for n in (10, 5, 6))
        self.signup, self.spend = r.integers(1, 2000, USERS), np.exp(r.normal(4.5, 1.0, USERS))
        self.price_sense = np.clip(0.9 - 0.35 * (np.log(self.spend) - 4.5) + 0.15 * r.normal(size=USERS), 0.1, 2)
        share = np.bincount(items.brand, minlength=BRANDS) + 1.0
        share /= share.sum()
        self.brands = np.array([r.choice(BRANDS, 4, replace=False, p=share) for _ in range(USERS)])
        self.categories = np.array([r.choice(CATEGORIES, 3, replace=False) for _ in range(USERS)])
        self.name = [str(uuid.UUID(int=random.getrandbits(128))) for _ in range(USERS)]
        self.likes_brand, self.likes_category = np.zeros((USERS, BRANDS), bool), np.zeros((USERS, CATEGORIES), bool)
        self.likes_brand[np.arange(USERS)[:, None], self.brands] = True
        self.likes_category[np.arange(USERS)[:, None], self.categories] = True
        self.history = [self.past(r, items, u) for u in range(USERS)]

    def past(self, r, items, user):
        """What the user did before the first request."""
        events = []
        for _ in range(r.integers(0, 25)):
            x = r.random()
            if x < 0.5:
                pool = np.flatnonzero(items.brand == r.choice(self.brands[user]))
            else:
                pool = items.of_category[r.choice(self.categories[user])] if x < 0.8 else np.arange(ITEMS)
            item = int(r.choice(pool)) if len(pool) else int(r.integers(ITEMS))
            time = int(START - r.exponential(20) * 86400 - 60)
            kind = int(r.choice(3, p=[0.8, 0.12, 0.08])) + 1
            events.append((time, item, kind))
        return sorted(events)


def choose_candidates(r, items, users, user):
    events = users.history[user]
    category = r.choice(users.categories[user]) if r.random() < 0.6 else r.integers(CATEGORIES)
    seen = list(dict.fromkeys(e[1] for e in events[-6:] if r.random() < 0.25))[:3]
    some = seen + [int(i) for i in r.choice(items.of_category[category], 24, replace=False)]
    some += [int(i) for i in r.integers(0, ITEMS, 12)]
    return np.array(list(dict.fromkeys(some))[:CANDIDATES])


def look_at(r, items, users, user, time, shown, drift):
    """Features and utility of the candidates, best base score first."""
    day, n = (time - START) // 86400, CANDIDATES
    attraction = 0.8 * items.quality[shown] + drift[day, shown]
    price = items.price[shown] * np.exp(r.normal(0, 0.12, n))
    discount = np.where(r.random(n) < 0.3, r.uniform(0.05, 0.5, n), 0)
    price = price * (1 - discount)
    clicks_7d = -3.3 + 0.7 * attraction + r.normal(0, 0.25, n)
    earlier = 0.8 * items.quality[shown] + drift[max(0, day - 15), shown]
    clicks_30d = -3.3 + 0.7 * earlier + r.normal(0, 0.15, n)
    distance = r.gamma(1.2, 12, n)
    delivery = np.ceil(1 + distance / 15 + r.exponential(1, n))
    stock = r.poisson(8, n)
    base = 0.6 * (clicks_30d + 3.3) / 0.7 + 0.4 * (items.rating[shown] - 4) / 0.35
    base = base + 0.5 * (items.margin[shown] - 0.25) / 0.14 + r.normal(0, 0.8, n)
    order = np.argsort(-base)
    columns = (shown, price, discount, clicks_7d, clicks_30d, distance, delivery, stock, base, attraction)
    shown, price, discount, clicks_7d, clicks_30d, distance, delivery, stock, base, _ = (c[order] for c in columns)
    device, hour = int(r.choice(3, p=[0.3, 0.4, 0.3])), int((time // 3600) % 24)

    log_price = np.log(price)
    relative = (log_price - log_price.mean()) / log_price.std()
    events = users.history[user][-20:]
    seen, bought = {e[1] for e in events}, {e[1] for e in events if e[2] == 3}
    utility = (-users.price_sense[user] * relative + 0.8 * (clicks_7d + 3.3) / 0.8
               + 0.35 * (items.rating[shown] - 4) / 0.35 + 1.3 * users.likes_brand[user, items.brand[shown]]
               + 0.5 * users.likes_category[user, items.category[shown]]
               - (0.3 if device == 0 else 0.45) * np.log1p(distance / 10) - 0.12 * delivery + 1.5 * discount
               - 0.8 * (stock == 0)
               + np.array([(0.9 if i in seen else 0) - (1.8 if i in bought else 0) for i in shown]))
    table = np.stack([price, discount, sigmoid(clicks_7d), sigmoid(clicks_30d), items.margin[shown], distance,
                      items.rating[shown], items.reviews[shown], stock, items.age[shown] + day, base, delivery], 1)
    return shown, table, utility, device, hour


def feedback(r, utility, brand):
    """Grades of the shown list: examined, clicked, put into the cart, bought."""
    like_above = np.zeros(CANDIDATES)
    for j in range(1, CANDIDATES):
        like_above[j] = (brand[max(0, j - 3):j] == brand[j]).sum()
    value = utility - 0.6 * like_above
    examined = 1 / (1 + 0.09 * np.arange(CANDIDATES))
    click = r.random(CANDIDATES) < examined * sigmoid(value - 2.3)
    cart = click & (r.random(CANDIDATES) < sigmoid(value - 1.8))
    buy = cart & (r.random(CANDIDATES) < sigmoid(value - 1.4))
    return click.astype(int) + cart + buy


def write_table(path, head, rows):
    with open(path, "w") as file:
        out = csv.writer(file)
        out.writerow(head)
        out.writerows(rows)


def make(folder, seed=7):
    folder.mkdir(parents=True, exist_ok=True)
    r = np.random.default_rng(seed)
    random.seed(seed)
    items = Items(r)
    users = Users(r, items)
    drift = np.cumsum(r.normal(0, 0.25, (DAYS + 1, ITEMS)), 0) * 0.6
    activity = r.pareto(1.5, USERS) + 0.3
    activity /= activity.sum()
    times = np.sort(r.integers(START, START + DAYS * 86400, REQUESTS))
    who = r.choice(USERS, REQUESTS, p=activity)
    truth = {"util": np.zeros((REQUESTS, CANDIDATES), np.float32), "label": np.zeros((REQUESTS, CANDIDATES), np.int8),
             "brand": np.zeros((REQUESTS, CANDIDATES), np.int16)}
    with open(folder / "requests.jsonl", "w") as out:
        for k in range(REQUESTS):
            user, time = who[k], int(times[k])
            shown = choose_candidates(r, items, users, user)
            shown, table, utility, device, hour = look_at(r, items, users, user, time, shown, drift)
            grades = feedback(r, utility, items.brand[shown])
            truth["util"][k], truth["brand"][k], truth["label"][k] = utility, items.brand[shown], grades
            weight = round(float(r.choice([0.5, 1, 1, 1, 2, 4])), 2)
            candidates = [{"sku": items.sku[i], "position": j + 1,
                           **{f: float(f"{x:.5g}") for f, x in zip(FEATURES, table[j])}, "label": int(grades[j])}
                          for j, i in enumerate(shown)]
            out.write(json.dumps({"request_id": f"req-{k:06d}", "user_id": users.name[user], "ts": time,
                                  "device": DEVICES[device], "hour": hour, "weight": weight,
                                  "days_since_signup": int(users.signup[user] + (time - START) // 86400),
                                  "spend": round(float(users.spend[user]), 2), "candidates": candidates}) + "\n")
            for j in np.flatnonzero(grades):
                users.history[user].append((time + 5 + 2 * int(j), int(shown[j]), int(grades[j])))
            users.history[user].sort()
    brand, category = [f"brand_{b:03d}" for b in items.brand], [f"cat/{c:02d}" for c in items.category]
    write_table(folder / "items.csv", ["sku", "brand", "category", "title"],
                ((items.sku[i], brand[i], category[i], f"{brand[i]} thing {i}") for i in range(ITEMS)))
    write_table(folder / "users.csv", ["user_id", "region", "segment", "age_band"],
                ((users.name[u], f"R{users.region[u]}", f"seg{users.segment[u]}", f"{20 + 10 * users.band[u]}s")
                 for u in range(USERS)))
    write_table(folder / "events.csv", ["user_id", "ts", "type", "sku"],
                ((users.name[u], t, KINDS[k], items.sku[i]) for u in range(USERS) for t, i, k in users.history[u]))
    np.savez_compressed(folder / "truth.npz", **truth)


def values(truth, lists, orders):
    """The expected gain (2^grade - 1) of the first ten places of each order: examination, neighbours, everything."""
    first = np.array(orders)[:, :10]
    utility, brand = (np.take_along_axis(truth[name][lists], first, 1) for name in ("util", "brand"))
    like_above = np.zeros(utility.shape)
    for j in range(1, 10):
        like_above[:, j] = (brand[:, max(0, j - 3):j] == brand[:, j:j + 1]).sum(1)
    worth = utility - 0.6 * like_above
    click = 1 / (1 + 0.09 * np.arange(10)) * sigmoid(worth - 2.3)
    cart = click * sigmoid(worth - 1.8)
    return (click + 2 * cart + 4 * cart * sigmoid(worth - 1.4)).sum(1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="is made if it is not there")
    parser.add_argument("seed", type=int, nargs="?", default=7, help="of all draws (default: %(default)s)")
    arguments = parser.parse_args()
    make(arguments.folder, arguments.seed)
