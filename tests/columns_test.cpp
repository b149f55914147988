// Columns declared once: whatever treats all of them alike misses none and takes none for another.
#include <doctest/doctest.h>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "psad/features/encoder.hpp"
#include "psad/train/joint_loss.hpp"
#include "psad/train/training_batch.hpp"
#include "support/toy.hpp"

using namespace psad;
using namespace psad::test;

namespace {

// The names in order, each once.
template <class Columns>
std::vector<std::string> names() {
    std::vector<std::string> out;
    Columns columns{};
    Columns::for_each_column([&](auto column, auto&) { out.emplace_back(column.name); }, columns);
    return out;
}

std::size_t numbers(const BagStorage& bag) {
    return bag.ids.size();
}
std::size_t numbers(const BagListStorage& bags) {
    std::size_t sum = 0;
    for (const BagStorage& bag : bags.fields) sum += bag.ids.size();
    return sum;
}
template <class T>
std::size_t numbers(const std::vector<T>& column) {
    return column.size();
}

template <class T>
std::size_t numbers(const FeatureTable<T>& table) {
    return table.numbers.size();
}

// With features of every kind of row.
Batch<double> filled() {
    const auto owned = toy_requests(1);
    std::vector<Request> requests = views(owned);
    const Encoder toy = toy_encoder(requests);
    const std::vector<double> dense(64, 1.5);
    for (Request& r : requests) r.history_dense = FeatureRows(dense.data(), r.history_items.size(), 2);
    Schema schema = toy.schema();
    schema.candidate_dense.clear();
    schema.event_dense = {{"a"}, {"b"}};
    Encoder encoder = fit_encoder(schema, toy.catalog(), requests, {.max_history = 6});
    encoder.set_exposure({{0.0f}, std::vector<float>(schema.item_fields.size() * Exposure::reach, -0.5f)});
    Batch<double> batch;
    encoder.encode(requests, 5, batch);
    return batch;
}

}  // namespace

TEST_CASE("columns: an encoded batch fills each, to the size that its axis and width say") {
    Batch<double> batch = filled();
    const Layout layout = batch.layout.view();
    Batch<double>::for_each_column(
        [&](auto column, const auto& values) {
            INFO(column.name);
            CHECK(numbers(values) > 0);
            if constexpr (requires { values.data(); }) CHECK(values.size() == decltype(column)::size(layout));
        },
        batch);
    CHECK(names<Batch<double>>().size() == 21);
}

TEST_CASE("columns: a view points to what is owned; cleared columns become null") {
    Batch<double> batch = filled();
    const Inputs<double> in = batch.view();
    CHECK(in.dense.data == batch.dense.numbers.data());
    CHECK(in.dense.columns == batch.dense.columns);
    CHECK(in.match_bucket == batch.match_bucket.data());
    CHECK(in.event_fields.count == 3);
    CHECK(in.event_fields.data[1].ids == batch.event_fields.fields[1].ids.data());
    batch.clear();
    const Inputs<double> none = batch.view();
    CHECK(none.dense.data == nullptr);
    CHECK(none.has_interacted == nullptr);
    CHECK(none.layout.items.rows == 0);
}

TEST_CASE("columns: every array is seen once, with its size, and can be moved elsewhere") {
    Batch<double> batch = filled();
    Inputs<double> in = batch.view();
    const Layout layout = in.layout;
    std::size_t arrays = 0;
    std::vector<std::vector<double>> copies;
    copies.reserve(64);
    for_each_array(in, layout, [&](auto*& numbers, std::size_t size) {
        ++arrays;
        CHECK(numbers != nullptr);
        CHECK(size > 0);
        if constexpr (requires { numbers = copies[0].data(); }) {
            copies.emplace_back(numbers, numbers + size);
            numbers = copies.back().data();
        }
    });
    // Two bags per field and one for the matches: ids and where each begins.
    CHECK(arrays == 17 + 2 * (3 + 3 + 3) + 2);
    CHECK(in.profile_dense.data != batch.profile_dense.numbers.data());
    for (std::size_t i = 0; i < batch.dense.numbers.size(); ++i) CHECK(in.dense.data[i] == batch.dense.numbers[i]);
    for (std::size_t i = 0; i < batch.age.size(); ++i) CHECK(in.age[i] == batch.age[i]);
}

TEST_CASE("labels: only the columns that a policy reads are laid out") {
    const auto owned = toy_requests(3);
    auto requests = views(owned);
    const std::vector<float> scores(64, 0.5f);
    for (Request& r : requests) r.teacher_scores = std::span(scores).first(r.size());
    const Encoder encoder = toy_encoder(requests);
    BatchBuilder<double> builder;
    const auto laid = [&](LabelGroups groups, double teacher_scale = 0) {
        builder.build(encoder, requests, 5, 2, 1, target::Exposure{}, groups, {.teacher_scale = teacher_scale});
        Labels<double> labels = builder.view().labels;
        std::vector<std::string> out;
        Labels<double>::for_each_column(
            [&](auto column, const double* numbers) {
                if (numbers) out.emplace_back(column.name);
            },
            labels);
        return out;
    };
    using Names = std::vector<std::string>;
    const Names always{"target", "target_weight", "position_weight", "list_weight"};
    const auto with = [&](const Names& more) {
        Names all = always;
        for (const std::string& name : more) {  // what concerns positions stands before what concerns lists
            const bool of_positions = name == "good_weight" || name == "poor_weight";
            all.insert(of_positions ? all.end() - 1 : all.end(), name);
        }
        return all;
    };
    CHECK(laid({}) == always);
    CHECK(laid({.relevance = true}) == with({"relevance"}));
    CHECK(laid({.distribution = true}) == with({"target_prob", "has_positive"}));
    CHECK(laid({.clicks = true}) == with({"clicked", "shown"}));
    CHECK(laid({.penalty = true}) == with({"good_weight", "poor_weight"}));
    CHECK(laid({true, true, true, true}, 1).size() == names<LabelColumns<double, Owned>>().size());
    CHECK(laid({}, 1).size() == always.size() + 1);

    // What networks ask for.
    using Clicks = StudentOf<Psad<Spec{}, student_loss::ClicksAlongList, target::Exposure>>;
    CHECK(laid(label_groups<Psad<>>()) == always);
    CHECK(laid(label_groups<Clicks>()) == with({"clicked", "shown"}));
    CHECK(laid(label_groups<Psad<Spec{}, student_loss::ListNet, penalty::Unlikelihood>>()) ==
          with({"good_weight", "poor_weight", "target_prob", "has_positive"}));
}
