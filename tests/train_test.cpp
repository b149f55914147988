// Training as a whole: the same bits on any number of threads, a rule learned, the best epochs kept, bad
// settings refused.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "psad/backend/cpu/cpu.hpp"
#include "psad/data/read_lists.hpp"
#include "psad/eval/orders.hpp"
#include "psad/eval/ranking_quality.hpp"
#include "psad/model_file/model_file.hpp"
#include "psad/train/best_model.hpp"
#include "psad/train/fit.hpp"
#include "psad/train/trainer.hpp"
#include "support/allocations.hpp"
#include "support/lists_folder.hpp"
#include "support/small_model.hpp"
#include "support/toy.hpp"

using namespace psad;
using namespace psad::test;

namespace {

using Net = Psad<small>;

train::Settings quick(std::uint64_t seed = 1) {
    train::Settings s;
    s.steps = 7;
    s.batch = 11;  // 25 lists: full and short batches, full and short shards
    s.shard = 3;
    s.seed = seed;
    return s;
}

train::ValidationScore no_opinion(const Model<Net>&) {
    return {};
}

// All numbers of a model, or of the part whose names begin with `part`.
std::vector<float> numbers(const Model<Net>& m, std::string_view part = "") {
    std::vector<float> out;
    for (const ParameterInfo& p : m.registry.parameters) {
        if (p.name.starts_with(part)) {
            out.insert(out.end(), m.parameters.at(p), m.parameters.at(p) + p.size());
        }
    }
    return out;
}

struct Run {
    std::vector<float> parameters;
    std::vector<double> figures;  // of every step
    std::string file;

    bool operator==(const Run&) const = default;
};

Run run(const ToyLists& lists, const train::Settings& settings, int threads) {
    Model<Net> m(toy_encoder(lists.all), settings.seed);
    const auto report =
        train::train(backend::Cpu<float>(threads), m, std::span<const Request>(lists.all), settings, no_opinion);
    Run out{numbers(m), {}, {}};
    for (const train::StepRecord& s : report.steps) {
        out.figures.insert(out.figures.end(), {s.loss, s.teacher, s.student, s.distillation, s.gradient_norm});
    }
    const psad::test::TempFolder folder;
    model_file::save(folder.path() / "model", m, "small");
    out.file = psad::test::read_bytes(folder.path() / "model");
    return out;
}

// Trains on toy lists and returns the words of the error, "" if there is none.
template <class Wanted = SettingError>
std::string refusal(const std::function<void(train::Settings&)>& spoil) {
    const ToyLists lists(1, 1);
    Model<Net> m(toy_encoder(lists.all));
    train::Settings s = quick();
    spoil(s);
    try {
        train::train(backend::Cpu<float>(), m, std::span<const Request>(lists.all), s, no_opinion);
        return "";
    } catch (const Wanted& e) {
        return e.what();
    }
}

// Hooks: what they may do.
struct NoteEpochs {
    std::vector<int>& seen;
    void on_epoch(auto&, const train::EpochRecord& e) { seen.push_back(e.epoch); }
};
struct NoteSteps {
    std::vector<std::int64_t>& seen;
    void on_step(auto& trainer, const train::StepRecord&) {
        CHECK(trainer.total_steps() == 7);
        seen.push_back(trainer.state().step);
    }
};
struct StopAfterStep {
    std::int64_t last;
    bool on_step(auto& trainer, const train::StepRecord&) { return trainer.state().step < last; }
};
struct StopAfterEpoch {
    int last;
    std::vector<std::vector<float>>& models;
    bool on_epoch(auto& trainer, const train::EpochRecord& e) {
        models.push_back(numbers(trainer.model()));
        return e.epoch < last;
    }
};

}  // namespace

TEST_CASE("training: one seed gives the same bits on 1, 2 and 4 threads") {
    const ToyLists lists(4, 5);
    const Run one = run(lists, quick(), 1);
    CHECK(one.figures.size() == 7 * 5);
    for (const int threads : {2, 4, 1}) {
        const Run other = run(lists, quick(), threads);
        CHECK_MESSAGE(one.parameters == other.parameters, threads);
        CHECK_MESSAGE(one.figures == other.figures, threads);
        CHECK_MESSAGE(one.file == other.file, threads);
    }
}

TEST_CASE("a bag: the student learns from more teachers, which the model's own does not notice") {
    const ToyLists lists(4, 5);
    const auto trained = [&](int bag) {
        Model<Net> m(toy_encoder(lists.all));
        train::Settings s = quick();
        s.bag = bag;
        s.clip = 0;  // its norm is that of both
        train::train(backend::Cpu<float>(2), m, std::span<const Request>(lists.all), s, no_opinion);
        return m;
    };
    const Model<Net> alone = trained(1), three = trained(3);
    CHECK(numbers(three, "teacher") == numbers(alone, "teacher"));
    CHECK(numbers(three, "student") != numbers(alone, "student"));
    CHECK(numbers(three, "student") != numbers(trained(2), "student"));

    train::Settings s = quick();
    s.bag = 3;
    const Run one = run(lists, s, 1);
    CHECK(run(lists, s, 2) == one);
    CHECK(run(lists, s, 4) == one);
}

TEST_CASE("a bag where nothing learns from it, or what it knows would be lost, is refused") {
    const ToyLists lists(4, 5);
    const backend::Cpu<float> cpu;
    train::Settings s = quick();
    s.bag = 2;
    const auto refused = [&]<class Network>() {
        Model<Network> m(toy_encoder(lists.all));
        CHECK_THROWS_WITH_AS((train::Trainer<backend::Cpu<float>, Network>(cpu, m, lists.all, s)),
                             doctest::Contains("training settings, bag: found 2 teachers, wanted 1"), SettingError);
    };
    refused.operator()<StudentOf<Net>>();
    refused.operator()<TeacherOf<Net>>();
    refused.operator()<FrozenTeacher<Net>>();
    refused.operator()<Psad<small, distill::Hard>>();
    refused.operator()<Psad<small, distill::None>>();
    CHECK(refusal([](auto& wrong) { wrong.bag = 0; }).starts_with("training settings, bag: found 0"));
    CHECK(refusal([](auto& wrong) { wrong.bag = 101; }).starts_with("training settings, bag: found 101"));

    Model<Net> m(toy_encoder(lists.all));
    train::Trainer<backend::Cpu<float>, Net> trainer(cpu, m, lists.all, s);
    CHECK_THROWS_WITH_AS(trainer.restore(trainer.state()), doctest::Contains("training, bag: found 2 teachers"),
                         SettingError);
}

TEST_CASE("teacher scores: scaled to fit the gains, whatever their unit") {
    // Scores that are the logits of the shares of the gains: the best scale is 1 over their unit.
    std::vector<std::vector<float>> scores, gains;
    std::vector<std::vector<std::int32_t>> items;
    for (std::uint64_t l = 0; l < 40; ++l) {
        scores.emplace_back(), gains.emplace_back(), items.emplace_back();
        for (std::uint64_t i = 0; i < 6; ++i) {
            const double logit = rng::normal(l, i);
            scores.back().push_back(static_cast<float>(250 * logit + 1e4));
            gains.back().push_back(static_cast<float>(std::exp(logit)));
            items.back().push_back(static_cast<std::int32_t>(i));
        }
    }
    std::vector<Request> requests(40);
    for (std::size_t l = 0; l < requests.size(); ++l) requests[l].items = items[l], requests[l].gains = gains[l];
    CHECK(train::teacher_scale(requests, true) == 0);
    for (std::size_t l = 0; l < requests.size(); ++l) {
        if (l > 0) CHECK_THROWS_AS(train::teacher_scale(requests, true), DataError);  // not all of them
        requests[l].teacher_scores = scores[l];
    }
    CHECK(train::teacher_scale(requests, true) == doctest::Approx(1.0 / 250).epsilon(1e-4));
    CHECK_THROWS_WITH_AS(train::teacher_scale(requests, false), doctest::Contains("learns from no logits"), DataError);
    for (std::size_t l = 0; l < scores.size(); ++l) {  // a constant in a list changes no softmax
        for (float& x : scores[l]) x += 64 * static_cast<float>(l);
    }
    CHECK(train::teacher_scale(requests, true) == doctest::Approx(1.0 / 250).epsilon(1e-3));
    const float kept = scores[3][0];
    scores[3][0] = -1e9f;  // and one number does not make the others nothing
    CHECK(train::teacher_scale(requests, true) == doctest::Approx(1.0 / 250).epsilon(0.1));
    scores[3][0] = kept;
    for (auto& of_list : scores) {
        for (float& x : of_list) x = -x;
    }
    CHECK_THROWS_WITH_AS(train::teacher_scale(requests, true),
                         doctest::Contains("scores that do not rise with the gains"), DataError);
    for (auto& of_list : scores) std::ranges::fill(of_list, 3.0f);
    CHECK_THROWS_AS(train::teacher_scale(requests, true), DataError);
}

TEST_CASE("teacher scores: the student learns from them, the teacher does not") {
    const ToyLists lists(4, 5);
    std::vector<std::vector<float>> scores;
    std::vector<Request> scored = lists.all;
    for (const Request& r : scored) {
        scores.emplace_back();
        for (std::size_t i = 0; i < r.size(); ++i)
            scores.back().push_back(r.gain(i) + 0.1f * static_cast<float>(rng::normal(scores.size(), i)));
    }
    for (std::size_t l = 0; l < scored.size(); ++l) scored[l].teacher_scores = scores[l];
    const auto trained = [&](const std::vector<Request>& some) {
        Model<Net> m(toy_encoder(lists.all));
        train::Settings s = quick();
        s.clip = 0;
        s.distill_from = -1, s.distill_full = 0;
        train::train(backend::Cpu<float>(), m, std::span<const Request>(some), s, no_opinion);
        return m;
    };
    const Model<Net> without = trained(lists.all), with = trained(scored);
    CHECK(numbers(with, "teacher") == numbers(without, "teacher"));
    CHECK(numbers(with, "student") != numbers(without, "student"));
    scores[3][0] = NAN;
    CHECK_THROWS_WITH_AS(trained(scored), doctest::Contains("teacher scores[0]: found nan, wanted a finite number"),
                         RequestError);
}

TEST_CASE("training: once warm, a step takes no memory from the heap" * doctest::test_suite("long")) {
    const ToyLists lists(4, 5);
    const auto taken = [&](int steps) {
        Model<Net> m(toy_encoder(lists.all));
        train::Settings s = quick();
        s.steps = steps;
        s.patience = 0;
        s.bag = 2;
        return allocations_of(
            [&] { train::train(backend::Cpu<float>(), m, std::span<const Request>(lists.all), s, no_opinion); });
    };
    const std::size_t warm = taken(300);  // every mixture of long and short lists was seen
    CHECK(warm > 100);
    CHECK(taken(600) < warm + 20);  // records of steps
}

TEST_CASE("training: another seed, another result; so with other settings") {
    const ToyLists lists(4, 5);
    const Run one = run(lists, quick(), 1);
    CHECK(!(run(lists, quick(2), 1) == one));
    for (const auto& change : std::vector<std::function<void(train::Settings&)>>{
             [](auto& s) { s.batch = 12; }, [](auto& s) { s.shard = 4; }, [](auto& s) { s.dropout = 0; },
             [](auto& s) { s.learning_rate *= 2; }, [](auto& s) { s.weight_decay = 0; },
             [](auto& s) { s.student_weight = 0; }, [](auto& s) { s.distillation = 0; },
             [](auto& s) { s.temperature = 2; }, [](auto& s) { s.warmup = 0.5; },
             [](auto& s) { s.distill_full = 0.9; }}) {
        train::Settings s = quick();
        change(s);
        CHECK(run(lists, s, 1).parameters != one.parameters);
    }
}

TEST_CASE("training: each shard draws dropout and targets of its own") {
    const OwnedRequest r = toy_request(8, 9, 4);
    const auto first_loss = [&](std::size_t copies) {
        const std::vector<Request> lists(copies, r.view());
        Model<Net> m(toy_encoder({r.view(), r.view()}));
        train::Settings s = quick();
        s.steps = 1;
        s.shard = 1;
        return train::train(backend::Cpu<float>(), m, std::span<const Request>(lists), s, no_opinion).steps[0].loss;
    };
    CHECK(first_loss(1) != doctest::Approx(first_loss(2)));
}

TEST_CASE("training: distillation waits for its turn and then grows") {
    const ToyLists lists(4, 5);
    train::Settings s = quick();
    s.steps = 10;
    s.distill_from = 0.3;
    s.distill_full = 0.6;
    const auto figures = run(lists, s, 1).figures;
    for (std::size_t step = 0; step < 10; ++step) {
        const double loss = figures[5 * step], teacher = figures[5 * step + 1];
        const double student = figures[5 * step + 2], distillation = figures[5 * step + 3];
        const double beta = (std::clamp)((static_cast<double>(step) / 10 - 0.3) / 0.3, 0.0, 1.0);
        CHECK((distillation > 0) == (beta > 1e-9));
        CHECK(loss == doctest::Approx(teacher + student + beta * distillation).epsilon(1e-5));
    }
}

TEST_CASE("training: teacher and student learn that the cheapest candidate is the good one") {
    std::vector<OwnedRequest> owned;
    for (std::uint64_t key = 0; key < 500; ++key) {
        OwnedRequest r = toy_request(key, 4 + static_cast<int>(key % 6), static_cast<int>(key % 4));
        const auto cheapest = std::min_element(r.aux.begin(), r.aux.end()) - r.aux.begin();
        std::fill(r.labels.begin(), r.labels.end(), std::int8_t{0});
        r.labels[static_cast<std::size_t>(cheapest)] = 1;
        owned.push_back(std::move(r));
    }
    const auto lists = views(owned);
    const auto learn = std::span(lists).first(400), held_out = std::span(lists).subspan(400);
    const backend::Cpu<float> cpu;
    Model<Net> m(toy_encoder({learn.begin(), learn.end()}));
    const auto quality = [&](const std::vector<eval::Order>& orders) {
        return eval::mean(eval::ranking_quality(held_out, orders).ndcg10);
    };
    const auto validate = [&](const Model<Net>& now) {
        return train::ValidationScore{quality(eval::student_orders(cpu, now, held_out)),
                                      quality(eval::teacher_orders(cpu, now, held_out))};
    };
    const train::ValidationScore before = validate(m);
    CHECK(before.student < 0.85);
    CHECK(before.teacher < 0.85);
    train::Settings s;
    s.epochs = 12;
    s.batch = 20;
    s.shard = 10;
    s.learning_rate = 1e-2;
    s.weight_decay = 1;  // labels without noise want no more
    s.dropout = 0;
    const auto report = train::train(cpu, m, learn, s, validate);
    const train::ValidationScore after = validate(m);
    CHECK(after.student > 0.97);
    CHECK(after.teacher > 0.97);
    CHECK(report.epochs.back().mean.loss < 0.5 * report.epochs.front().mean.loss);
    CHECK(after.student == report.epochs[static_cast<std::size_t>(report.best_student_epoch)].valid.student);
    CHECK(after.teacher == report.epochs[static_cast<std::size_t>(report.best_teacher_epoch)].valid.teacher);
}

TEST_CASE("early stopping: patience is honoured and each part comes from its own best epoch") {
    const ToyLists lists(6, 2);
    const std::vector<train::ValidationScore> script{{.1, .5}, {.3, .4}, {.2, .6}, {.3, .6}, {.2, .1}, {.9, .9}};
    train::Settings s = quick();
    s.steps = 0;
    s.epochs = 6;
    const auto go = [&](int patience) {
        s.patience = patience;
        Model<Net> m(toy_encoder(lists.all));
        std::vector<Model<Net>> seen;
        std::vector<int> epochs;
        NoteEpochs hooks{epochs};
        const auto validate = [&](const Model<Net>& now) {
            seen.push_back(now);
            return script.at(seen.size() - 1);
        };
        const auto report =
            train::train(backend::Cpu<float>(), m, std::span<const Request>(lists.all), s, validate, hooks);
        CHECK(report.epochs.size() == seen.size());
        CHECK(epochs.size() == seen.size());
        CHECK(epochs.back() == static_cast<int>(seen.size()) - 1);
        CHECK(numbers(m, "student") == numbers(seen[static_cast<std::size_t>(report.best_student_epoch)], "student"));
        CHECK(numbers(m, "teacher") == numbers(seen[static_cast<std::size_t>(report.best_teacher_epoch)], "teacher"));
        CHECK(numbers(seen[0], "student") != numbers(seen[1], "student"));
        return report;
    };
    auto report = go(2);  // an equal score is no better one: epochs 3 and 4 are stale
    CHECK(report.epochs.size() == 5);
    CHECK(report.best_student_epoch == 1);
    CHECK(report.best_teacher_epoch == 2);
    report = go(3);
    CHECK(report.epochs.size() == 6);
    CHECK(report.best_student_epoch == 5);
    CHECK(report.best_teacher_epoch == 5);
    CHECK(go(0).epochs.size() == 6);
    CHECK(go(1).epochs.size() == 4);
}

TEST_CASE("settings that are not given are chosen by the number of lists") {
    const auto of = [](std::size_t lists, const train::Settings& given = {}) {
        const train::Settings s = train::chosen(given, lists);
        return std::tuple(s.batch, s.epochs, s.patience);
    };
    const auto decay = [](std::size_t lists, const train::Settings& given = {}) {
        return train::chosen(given, lists).weight_decay;
    };
    CHECK(of(0) == std::tuple(4, 60, 20));
    CHECK(of(10) == std::tuple(4, 60, 20));
    CHECK(of(200) == std::tuple(4, 30, 10));
    CHECK(of(1000) == std::tuple(20, 30, 10));
    CHECK(of(5000) == std::tuple(32, 10, 3));
    CHECK(of(1'000'000) == std::tuple(32, 4, 3));
    CHECK(of(200, {.epochs = 5, .batch = 7, .patience = 2}) == std::tuple(7, 5, 2));
    CHECK(of(200, {.batch = 40}) == std::tuple(40, 60, 20));
    CHECK(of(200, {.patience = 0}) == std::tuple(4, 30, 0));
    CHECK(decay(10) == 5);
    CHECK(decay(1000) == doctest::Approx(std::sqrt(5.0)));
    CHECK(decay(5000) == doctest::Approx(1500.0 / 1570));
    CHECK(decay(32'000) == doctest::Approx(1500.0 / 4000));
    CHECK(decay(10'000'000) == 0.05);
    CHECK(decay(10, {.steps = 15'000}) == doctest::Approx(0.5));
    CHECK(decay(10, {.weight_decay = 0}) == 0);
}

TEST_CASE("validation and the model that is kept are the mean over the last steps") {
    const ToyLists lists(6, 2);  // 10 lists
    train::Settings s = quick();
    s.batch = 5;  // 2 steps an epoch
    s.steps = 6;
    s.average = 0.5;  // a copy a step
    Model<Net> m(toy_encoder(lists.all));
    std::vector<std::vector<float>> steps, judged;
    const auto validate = [&](const Model<Net>& now) {
        judged.push_back(numbers(now));
        return train::ValidationScore{static_cast<double>(judged.size()), static_cast<double>(judged.size())};
    };
    const backend::Cpu<float> cpu;
    train::Trainer<backend::Cpu<float>, Net> trainer(cpu, m, lists.all, s);
    while (trainer.running()) {
        while (!trainer.epoch_done()) trainer.step(), steps.push_back(numbers(trainer.model()));
        const std::vector<float> before = numbers(trainer.model());
        trainer.end_epoch(validate);
        CHECK(numbers(trainer.model()) == before);  // training goes on from the last step
    }
    trainer.finish();
    REQUIRE(steps.size() == 6);
    REQUIRE(judged.size() == 3);
    const auto is_near = [](const std::vector<float>& found, const std::vector<double>& wanted) {
        double largest = 0;
        for (std::size_t i = 0; i < found.size(); ++i)
            largest = std::max(largest, std::abs(static_cast<double>(found[i]) - wanted[i]));
        return largest < 1e-6;
    };
    std::vector<double> mean(steps[0].size(), 0.0);
    for (std::size_t step = 0; step < 6; ++step) {
        const double share = step == 0 ? 1 : 1 - std::exp(-1 / (0.5 * static_cast<double>(step + 1)));
        for (std::size_t i = 0; i < mean.size(); ++i)
            mean[i] += share * (static_cast<double>(steps[step][i]) - mean[i]);
        if (step % 2 == 1) CHECK(is_near(judged[step / 2], mean));
    }
    CHECK(numbers(m) == judged.back());
    CHECK(judged.back() != steps.back());

    s.average = 0;
    judged.clear();
    Model<Net> plain(toy_encoder(lists.all));
    train::train(cpu, plain, std::span<const Request>(lists.all), s, validate);
    CHECK(judged.back() == steps.back());  // the average steers no step
}

TEST_CASE("the mean follows training however long it is planned: no epoch is judged by the one before" *
          doctest::test_suite("long")) {
    const ToyLists lists(6, 2);
    train::Settings s = quick();
    s.batch = 5;  // 2 steps an epoch
    s.steps = 0;
    s.epochs = 100'000;
    s.patience = 0;
    Model<Net> m(toy_encoder(lists.all));
    std::vector<std::vector<float>> judged;
    const auto validate = [&](const Model<Net>& now) {
        judged.push_back(numbers(now));
        return train::ValidationScore{};
    };
    const backend::Cpu<float> cpu;
    train::Trainer<backend::Cpu<float>, Net> trainer(cpu, m, lists.all, s);
    for (int epoch = 0; epoch < 400; ++epoch) trainer.epoch(validate);
    for (std::size_t epoch = 1; epoch < judged.size(); ++epoch) CHECK(judged[epoch] != judged[epoch - 1]);
    CHECK(judged.back() != numbers(trainer.model()));
}

TEST_CASE("steps: exactly so many, the last epoch cut short and still judged") {
    const ToyLists lists(6, 2);  // 10 lists
    train::Settings s = quick();
    s.batch = 4;  // 3 steps an epoch
    s.steps = 7;
    s.epochs = 1;  // steps decide
    Model<Net> m(toy_encoder(lists.all));
    std::vector<std::int64_t> counted;
    NoteSteps hooks{counted};
    const auto report =
        train::train(backend::Cpu<float>(), m, std::span<const Request>(lists.all), s, no_opinion, hooks);
    CHECK(counted == std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7});
    CHECK(report.steps.size() == 7);
    CHECK(report.epochs.size() == 3);
    CHECK(report.epochs.back().step == 7);
    CHECK(report.epochs.back().mean.loss == report.steps.back().loss);
}

TEST_CASE("hooks end a training: after a step, whose epoch is still judged, or after an epoch") {
    const ToyLists lists(6, 2);  // 10 lists
    train::Settings s = quick();
    s.batch = 4;  // 3 steps an epoch
    s.steps = 0;
    s.epochs = 4;
    s.average = 0;
    const auto go = [&](auto hooks) {
        Model<Net> m(toy_encoder(lists.all));
        auto report = train::train(backend::Cpu<float>(), m, std::span<const Request>(lists.all), s, no_opinion, hooks);
        return std::pair(std::move(report), numbers(m));
    };
    const auto by_step = go(StopAfterStep{4}).first;
    CHECK(by_step.steps.size() == 4);
    CHECK(by_step.epochs.size() == 2);
    CHECK(by_step.epochs.back().mean.loss == by_step.steps.back().loss);

    std::vector<std::vector<float>> models;
    const auto [by_epoch, kept] = go(StopAfterEpoch{1, models});
    CHECK(by_epoch.epochs.size() == 2);
    CHECK(models.size() == 2);
    CHECK(models[0] != models[1]);
    CHECK(kept == models[0]);  // equal scores: the first stays the best
}

namespace {

struct KeepBest {
    std::vector<std::vector<float>> kept;
    template <class Trainer>
    void on_epoch(Trainer& trainer, const train::EpochRecord&) {
        const auto model = train::best_model(trainer);
        CHECK(model.encoder.candidates().whitened() == 0);
        kept.push_back(numbers(model));
    }
};

}  // namespace

TEST_CASE("the best model so far is the one that fit gives in the end") {
    const ToyLists lists(6, 12);
    train::Settings s = quick();
    s.steps = 0;
    s.epochs = 3;
    KeepBest hooks;
    TrainingLists all{"toy", toy_encoder().schema(), toy_encoder().catalog(), lists.all, lists.all};
    const auto fitted = fit<Net>(backend::Cpu<float>(), all, s, {}, hooks);
    CHECK(hooks.kept.size() == 3);
    CHECK(hooks.kept.back() == numbers(fitted.model));
}

TEST_CASE("a training whose loss doubles has diverged") {
    train::Report report;
    CHECK(!report.diverged());
    const auto losses = [](double all, double teacher, double student) {
        return train::StepRecord{all, teacher, student, 0, 0};
    };
    const auto epoch = [](const train::StepRecord& mean) {
        train::EpochRecord out;
        out.mean = mean;
        return out;
    };
    report.steps = {losses(9, 2, 2)};
    report.epochs = {epoch(losses(30, 3, 4))};  // distillation has come in
    CHECK(!report.diverged());
    report.epochs.push_back(epoch(losses(30, 5, 4)));
    CHECK(report.diverged());
    report.steps[0] = losses(9, 0, 0);  // of a student alone
    report.epochs.push_back(epoch(losses(20, 0, 0)));
    CHECK(report.diverged());
}

TEST_CASE("a training taken up again from its state goes on to the same bits") {
    const ToyLists lists(4, 5);
    train::Settings s = quick();
    s.steps = 0;
    s.epochs = 4;
    const backend::Cpu<float> cpu(2);
    const std::vector<train::ValidationScore> script{{.1, .5}, {.3, .4}, {.2, .6}, {.3, .5}};
    const auto validate_from = [&](std::size_t next) {
        return [&script, next](const Model<Net>&) mutable { return script.at(next++); };
    };
    const std::span<const Request> requests(lists.all);
    Model<Net> whole(toy_encoder(lists.all));
    const auto wanted = train::train(cpu, whole, requests, s, validate_from(0));

    for (const int steps_of_next : {0, 1, 2, 3}) {  // taken up between epochs, inside one, or before its end
        Model<Net> first(toy_encoder(lists.all));
        train::Trainer<backend::Cpu<float>, Net> before(cpu, first, requests, s);
        auto validate = validate_from(0);
        before.epoch(validate), before.epoch(validate);
        for (int step = 0; step < steps_of_next; ++step) before.step();

        Model<Net> second(toy_encoder(lists.all), 99);
        train::Trainer<backend::Cpu<float>, Net> after(cpu, second, requests, s);
        second.parameters = first.parameters;
        after.parameters().upload();
        after.restore(before.state());
        after.optimizer().steps() = before.optimizer().steps();
        after.optimizer().moments() = before.optimizer().moments();
        after.averaged() = before.averaged();
        after.best() = before.best();
        auto rest = validate_from(2);
        while (after.running()) after.epoch(rest);
        const auto report = after.finish();

        CHECK(numbers(second) == numbers(whole));
        CHECK(report.best_student_epoch == wanted.best_student_epoch);
        CHECK(report.best_teacher_epoch == wanted.best_teacher_epoch);
        REQUIRE(report.steps.size() == wanted.steps.size());
        for (std::size_t i = 0; i < wanted.steps.size(); ++i) {
            CHECK(report.steps[i].loss == wanted.steps[i].loss);
            CHECK(report.steps[i].gradient_norm == wanted.steps[i].gradient_norm);
        }
        CHECK(report.epochs.back().mean.loss == wanted.epochs.back().mean.loss);
    }
}

TEST_CASE("a training is not taken up from a state of other lists") {
    const ToyLists lists(4, 5), fewer(4, 3);
    Model<Net> m(toy_encoder(lists.all)), other(toy_encoder(fewer.all));
    const backend::Cpu<float> cpu;
    train::Trainer<backend::Cpu<float>, Net> trainer(cpu, m, lists.all, quick());
    const train::Trainer<backend::Cpu<float>, Net> of_fewer(cpu, other, fewer.all, quick());
    CHECK_THROWS_WITH_AS(trainer.restore(of_fewer.state()), doctest::Contains("training, state: found an order of"),
                         SettingError);
    auto twice = trainer.state();
    twice.order[0] = twice.order[1];
    CHECK_THROWS_AS(trainer.restore(twice), SettingError);
}

TEST_CASE("a training that ends before any epoch keeps its last step") {
    const ToyLists lists(4, 5);
    Model<Net> m(toy_encoder(lists.all));
    const backend::Cpu<float> cpu;
    train::Trainer<backend::Cpu<float>, Net> trainer(cpu, m, lists.all, quick());
    trainer.step(), trainer.step();
    const auto wanted = numbers(trainer.model());
    const auto report = trainer.finish();
    CHECK(report.best_student_epoch == -1);
    CHECK(numbers(m) == wanted);
    CHECK(wanted != numbers(Model<Net>(toy_encoder(lists.all))));
}

TEST_CASE("numbers of an update rule out of range are refused by name") {
    const ToyLists lists(1, 1);
    Model<Net> m(toy_encoder(lists.all));
    const backend::Cpu<float> cpu;
    const auto refused = [&](const train::AdamW& rule) {
        try {
            const train::Trainer trainer(cpu, m, std::span<const Request>(lists.all), quick(), rule);
            return std::string();
        } catch (const SettingError& e) {
            return std::string(e.what());
        }
    };
    CHECK(refused({}).empty());
    for (const double bad : {-0.1, 1.0, std::nan("")}) {
        CHECK(refused({.beta1 = bad}).starts_with("training settings, beta1: found "));
        CHECK(refused({.beta2 = bad}).starts_with("training settings, beta2: found "));
    }
    for (const double bad : {-1.0, 0.0, std::nan("")})
        CHECK(refused({.epsilon = bad}).starts_with("training settings, epsilon: found "));
}

TEST_CASE("a batch or a shard larger than the data is as large as the data") {
    const ToyLists lists(4, 1);
    train::Settings s = quick();
    s.batch = s.shard = static_cast<int>(lists.all.size());
    const Run wanted = run(lists, s, 1);
    s.batch = s.shard = (std::numeric_limits<int>::max)();
    CHECK(run(lists, s, 1) == wanted);
}

TEST_CASE("fit: no training without validation lists") {
    const psad::test::ListsFolder folder;  // it has none
    CHECK_THROWS_WITH_AS(fit<Net>(backend::Cpu<float>(), data::read_lists(folder.path())),
                         "tiny, validation lists: found none, wanted at least one with a positive among others: they "
                         "choose the epoch to keep",
                         DataError);
}

TEST_CASE("fit: no training on validation lists without a positive") {
    data::Dataset dataset = data::read_lists(PSAD_TEST_DATA);
    std::fill(dataset.valid.labels.begin(), dataset.valid.labels.end(), std::int8_t{0});
    CHECK_THROWS_AS(fit<Net>(backend::Cpu<float>(), dataset, quick()), DataError);
}

TEST_CASE("fit: validation lists are checked as training lists are") {
    const data::Dataset dataset = data::read_lists(PSAD_TEST_DATA);
    TrainingLists lists{"films", data::schema_of(dataset), data::catalog_of(dataset),
                        data::requests_of(dataset, dataset.train), data::requests_of(dataset, dataset.valid)};
    lists.valid[3].context = {};
    CHECK_THROWS_AS(fit<Net>(backend::Cpu<float>(), lists, quick()), RequestError);
    lists.valid[3] = lists.valid[2];
    lists.valid[3].labels = {};
    CHECK_THROWS_AS(fit<Net>(backend::Cpu<float>(), lists, quick()), RequestError);
}

TEST_CASE("settings out of range are refused by name") {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    CHECK(refusal([](auto&) {}) == "");
    CHECK(refusal([](auto& s) { s.epochs = 0; }).starts_with("training settings, epochs: found 0"));
    CHECK(refusal([](auto& s) { s.steps = -1; }).starts_with("training settings, steps: found -1"));
    CHECK(refusal([](auto& s) { s.batch = 0; }).starts_with("training settings, batch: found 0"));
    CHECK(refusal([](auto& s) { s.shard = 0; }).starts_with("training settings, shard: found 0"));
    CHECK(refusal([](auto& s) { s.patience = -2; }).starts_with("training settings, patience: found -2"));
    constexpr double infinity = std::numeric_limits<double>::infinity();
    for (const double bad : {-1.0, infinity, nan}) {
        CHECK(refusal([&](auto& s) { s.student_weight = bad; }).starts_with("training settings, student_weight: "));
        CHECK(refusal([&](auto& s) { s.distillation = bad; }).starts_with("training settings, distillation: "));
    }
    for (const double bad : {0.0, -1e-3, infinity, nan}) {
        CHECK(refusal([&](auto& s) { s.learning_rate = bad; }).starts_with("training settings, learning_rate: found "));
        CHECK(refusal([&](auto& s) { s.temperature = bad; }).starts_with("training settings, temperature: "));
    }
    for (const double bad : {-1.0, nan}) {
        CHECK(refusal([&](auto& s) { s.clip = bad; }).starts_with("training settings, clip: "));
        CHECK(refusal([&](auto& s) { s.weight_decay = 2 * bad; }).starts_with("training settings, weight_decay: "));
    }
    CHECK(refusal([](auto& s) { s.learning_rate = 1; }) ==
          "training settings, learning_rate: found 1, wanted less than 0.2");  // by the decay that few lists get
    for (const double bad : {-0.1, 1.1, nan})
        CHECK(refusal([&](auto& s) { s.average = bad; }).starts_with("training settings, average: "));
    for (const double bad : {-0.1, 1.0, nan}) {
        CHECK(refusal([&](auto& s) {
                  s.dropout = static_cast<float>(bad);
              }).starts_with("training settings, dropout: found "));
        CHECK(refusal([&](auto& s) { s.warmup = bad; }).starts_with("training settings, warmup: found "));
    }
    CHECK(refusal([](auto& s) {
              s.distill_full = s.distill_from;
          }).starts_with("training settings, distill_full: found 0.1"));
    CHECK(refusal([&](auto& s) { s.bag = 2, s.distillation = 0; }).starts_with("training settings, bag: found 2"));
    CHECK(refusal([&](auto& s) { s.distill_full = nan; }).starts_with("training settings, distill_full: "));
    Model<Net> m(toy_encoder());
    CHECK_THROWS_WITH_AS(train::train(backend::Cpu<float>(), m, std::span<const Request>(), quick(), no_opinion),
                         "training settings, requests: found none, wanted at least one labelled list", SettingError);
}

TEST_CASE("lists that cannot be trained on are refused before the first step") {
    ToyLists lists(1, 1);
    Model<Net> m(toy_encoder(lists.all));
    const auto before = numbers(m);
    const auto go = [&] {
        train::train(backend::Cpu<float>(), m, std::span<const Request>(lists.all), quick(), no_opinion);
    };
    const auto labels = lists.all[3].labels;
    lists.all[3].labels = {};
    CHECK_THROWS_WITH_AS(go(), "request, labels: found 0 labels, wanted 3, one a candidate", RequestError);
    lists.all[3].labels = labels.first(2);
    CHECK_THROWS_WITH_AS(go(), "request, labels: found 2 labels, wanted 3, one a candidate", RequestError);
    lists.all[3].labels = labels;
    lists.all[4].user_fields = {};
    CHECK_THROWS_AS(go(), RequestError);
    CHECK(numbers(m) == before);
}

TEST_CASE("shared embeddings: both parts are kept from one epoch, the best on average") {
    using Shared = Psad<small, tie::Embeddings>;
    const ToyLists lists(6, 2);
    const std::vector<train::ValidationScore> script{{.1, .5}, {.4, .3}, {.2, .4}, {.3, .35}};
    train::Settings s = quick();
    s.steps = 0;
    s.epochs = 4;
    s.patience = 2;
    Model<Shared> m(toy_encoder(lists.all));
    std::vector<Parameters<float>> seen;
    const auto report =
        train::train(backend::Cpu<float>(), m, std::span<const Request>(lists.all), s, [&](const Model<Shared>& now) {
            seen.push_back(now.parameters);
            return script.at(seen.size() - 1);
        });
    CHECK(seen.size() == 4);  // means .3, .35, .3, .325
    CHECK(report.best_student_epoch == 1);
    CHECK(report.best_teacher_epoch == 1);
    for (const ParameterInfo& p : m.registry.parameters) {
        INFO(p.name);
        CHECK(std::equal(m.parameters.at(p), m.parameters.at(p) + p.size(), seen[1].at(p)));
    }
}

TEST_CASE("a last step that leaves numbers that are not finite is an error, not a model") {
    const std::string words = refusal<TrainingError>([](auto& s) {
        s.steps = 1;
        s.learning_rate = 1e300;
        s.weight_decay = 0;
    });
    CHECK(words.find("found numbers that are not finite") != std::string::npos);
}

TEST_CASE("offline distillation trains the student alone and leaves the teacher to the bit") {
    const ToyLists lists(4, 1);
    using Pair = FrozenTeacher<Psad<small>>;
    Model<Pair> m(toy_encoder(lists.all));
    const Parameters<float> before = m.parameters;
    train::train(backend::Cpu<float>(), m, std::span<const Request>(lists.all), quick(),
                 [](const Model<Pair>&) { return train::ValidationScore{}; });
    for (const ParameterInfo& p : m.registry.parameters) {
        INFO(p.name);
        const bool same = std::equal(m.parameters.at(p), m.parameters.at(p) + p.size(), before.at(p));
        if (p.name.starts_with("teacher")) CHECK(same);
        if (p.name == "student.hidden1.weight") CHECK(!same);
    }
}

TEST_CASE("a model starts from what another learned, by name; other shapes are refused") {
    const ToyLists lists(4, 1);
    using Pair = Psad<small>;
    const Encoder encoder = toy_encoder(lists.all);
    const Model<TeacherOf<Pair>> teacher(encoder, 7);
    Model<Pair> m(encoder, 1);
    const Parameters<float> before = m.parameters;
    m.warm_start(teacher);
    std::size_t taken = 0;
    for (const ParameterInfo& p : m.registry.parameters) {
        INFO(p.name);
        const auto from = std::ranges::find(teacher.registry.parameters, p.name, &ParameterInfo::name);
        const bool theirs = from != teacher.registry.parameters.end();
        const float* wanted = theirs ? teacher.parameters.at(*from) : before.at(p);
        CHECK(std::equal(wanted, wanted + p.size(), m.parameters.at(p)));
        CHECK(theirs == p.name.starts_with("teacher"));
        taken += theirs;
    }
    CHECK(taken == teacher.registry.parameters.size());

    static constexpr Spec wider = [] {
        Spec s = small;
        s.width = 2 * small.width;
        return s;
    }();
    CHECK_THROWS_WITH_AS(m.warm_start(Model<TeacherOf<Psad<wider>>>(encoder, 1)), doctest::Contains(" x "),
                         SettingError);
    for (const ParameterInfo& p : teacher.registry.parameters) {
        const auto to = std::ranges::find(m.registry.parameters, p.name, &ParameterInfo::name);
        CHECK(std::equal(teacher.parameters.at(p), teacher.parameters.at(p) + p.size(), m.parameters.at(*to)));
    }
}

TEST_CASE("a loss that is not finite ends training with an error") {
    const std::string words = refusal<TrainingError>([](auto& s) {
        s.learning_rate = 1e30;
        s.weight_decay = 0;
    });
    CHECK(words.starts_with("training, step "));
    CHECK(words.find("found a loss or a gradient that is not finite") != std::string::npos);
}

TEST_CASE("a validation score that is not finite ends training with an error") {
    const ToyLists lists(6, 2);
    Model<Net> m(toy_encoder(lists.all));
    const auto validate = [](const Model<Net>&) { return train::ValidationScore{.5, std::nan("")}; };
    CHECK_THROWS_AS(train::train(backend::Cpu<float>(), m, std::span<const Request>(lists.all), quick(), validate),
                    TrainingError);
}

TEST_CASE("hidden values train the row of the unknown") {
    const ToyLists lists(4, 4);
    const auto unknown_rows = [&](double rate) {
        Model<Net> m(toy_encoder(lists.all, 1));
        train::Settings s = quick();
        s.unknown_rate = rate;
        s.weight_decay = 0;
        const Model<Net> before = m;
        train::train(backend::Cpu<float>(), m, std::span<const Request>(lists.all), s, no_opinion);
        std::size_t moved = 0;
        for (const ParameterInfo& p : m.registry.parameters) {
            if (!p.table || p.name.find("device") == std::string::npos) continue;
            moved += std::equal(m.parameters.at(p), m.parameters.at(p) + p.cols, before.parameters.at(p)) ? 0 : 1;
        }
        return moved;
    };
    const std::size_t tables = [&] {
        const Model<Net> m(toy_encoder(lists.all, 1));
        return static_cast<std::size_t>(std::ranges::count_if(m.registry.parameters, [](const ParameterInfo& p) {
            return p.table && p.name.find("device") != std::string::npos;
        }));
    }();
    INFO(tables);
    CHECK(unknown_rows(0.5) == tables);
}
