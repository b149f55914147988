// A schema and requests out of plain vectors: what a service that has its own storage fills. Trains and serves.
#include <cstdio>
#include <vector>

#include "psad/serve.hpp"
#include "psad/train.hpp"

// What the service knows of one list: 8 candidates with price and click rate, the user's region, what was bought.
struct Impression {
    std::vector<std::int32_t> items;
    std::vector<double> features;  // [8 x 2], row after row
    std::vector<std::int8_t> grades;
    std::vector<std::int32_t> region;
};

// A request sees the columns of an impression: nothing is copied.
psad::Request request_of(const Impression& i) {
    return {.user_fields = i.region,
            .items = i.items,
            .labels = i.grades,
            .candidate_dense = {i.features.data(), i.items.size(), 2}};
}

int main() {
    psad::rng::Stream draw(1);
    std::vector<Impression> log(600);
    for (Impression& i : log) {
        i.region = {1 + static_cast<std::int32_t>(draw.below(3))};  // 0 is the unknown region
        for (int c = 0; c < 8; ++c) {
            const double price = 1 + 99 * draw.uniform(), click_rate = draw.uniform() / 10;
            i.items.push_back(static_cast<std::int32_t>(8 * draw.below(10)) + c);
            i.features.insert(i.features.end(), {price, click_rate});
            i.grades.push_back(static_cast<std::int8_t>((price < 40) + 2 * (click_rate > 0.05)));
        }
    }
    std::vector<psad::Request> lists;
    for (const Impression& i : log) lists.push_back(request_of(i));

    const psad::Schema schema{.user_fields = {{"region", 4}},
                              .candidate_dense = {{.name = "price"}, {.name = "click rate"}}};
    using Variant = psad::Psad<psad::Spec{.width = 32, .encoder_layers = 1, .decoder_layers = 1, .feed_forward = 64}>;
    const psad::backend::Cpu<float> cpu;
    const auto [model, report] = psad::fit<Variant>(
        cpu, {"shop", schema, {.items = 80}, {lists.begin(), lists.begin() + 500}, {lists.begin() + 500, lists.end()}});

    const psad::serve::Reranker reranker(cpu, model);
    auto workspace = reranker.workspace();  // one per thread: nothing is allocated once it is warm
    const psad::serve::Reranked answer = reranker(lists.back(), workspace);
    std::printf("validation NDCG@10 %.3f; best first:", report.epochs.back().valid.student);
    for (const int position : answer.order) std::printf(" %d", lists.back().items[static_cast<std::size_t>(position)]);
    std::printf("\n");
}
