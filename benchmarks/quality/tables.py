"""Tables of a comparison: rows of text, the first of them the head."""


def is_trained(model):
    """Not a heuristic, nor an order of another program."""
    return model["latency_us"]["p50"] > 0


def value(model, metric):
    """The model's mean over lists and seeds."""
    return model["metrics"][metric][0]


def interval(triple, digits=".4f"):
    """[value, low, high] as text."""
    return "{{:{0}}} [{{:{0}}}, {{:{0}}}]".format(digits).format(*triple)


def models_table(found):
    """All models, the best by the first metric first."""
    first = found["metric"]
    metrics = sorted(list(found["models"].values())[0]["metrics"], key=lambda metric: metric != first)
    rows = [["model", *metrics, "p50 us", "training s"]]
    for name, model in sorted(found["models"].items(), key=lambda item: -value(item[1], first)):
        times = [f"{x:.1f}" if x > 0 else "-" for x in (model["latency_us"]["p50"], model["train_seconds"])]
        rows.append([name, *(interval(model["metrics"][metric]) for metric in metrics), *times])
    return rows


def pairs_table(found):
    """What the defaults differ by from every other model; without them, the best that was trained."""
    first, models = found["metric"], found["models"]
    best = max(models, key=lambda name: (is_trained(models[name]), value(models[name], first)))
    shown = {"psad", "psad/teacher"} & models.keys() or {best}
    rows = [["a", "b", f"{first}: a - b, 95 %"]]
    for pair in found["paired"]:
        if pair["metric"] == first and shown & {pair["a"], pair["b"]}:
            rows.append([pair["a"], pair["b"], interval(pair["difference"], "+.4f")])
    return rows


def descriptions_table(descriptions):
    return [["name", "what"], *map(list, descriptions.items())]
