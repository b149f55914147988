// Requests: as JSON, and as a program makes them.
#pragma once

#include <nlohmann/json.hpp>

#include "fuzz.hpp"
#include "psad/serve/request_json.hpp"

namespace psad::fuzz {

/// A line is answered, or refused in one line.
inline void lines(std::string_view bytes) {
    static const Model<Network> model = test::shaken<Network>();
    static const Cpu cpu;
    static const serve::Reranker reranker(cpu, model, {.take_missing_columns = true});
    static serve::Workspace<Cpu> workspace;
    static serve::RequestColumns columns;
    static const std::vector<std::int32_t> users{1, 2, 0, 3};
    try {
        const Request r = columns.read(bytes, {users.data(), 2, 2, 2});
        const serve::Reranked out = reranker(r, workspace);
        must_be_an_answer(out, r.size(), r.size());
        must(all_finite(out), "scores are finite");
        must(nlohmann::json::accept(serve::answer_json(r, out)), "an answer is JSON");
    } catch (const RequestError& e) {
        must_be_a_line(e);
    }
}
inline Seeds lines_seeds() {
    return {
        R"({"id":7,"user":[1,3],"context":[3],"ts":1380383162,"history":[{"item":3,"ts":1380300000,"feedback":8}],"candidates":[{"item":31,"score":0.30,"aux":12},{"item":3,"score":0.21,"aux":0},{"item":56,"score":null,"aux":45}]})",
        R"({"user":{"index":1},"context":[0],"candidates":[{"item":1}]})",
        R"({"id":"\u00e9","user":[2,1],"context":[4],"ts":-5,"history":[],"candidates":[{"item":2147483647,"score":1e15,"aux":-1E15},{"item":0,"score":-0.0,"aux":1e-300}]})"};
}

/// One request alone, with a cache, and among others: the same order.
inline void structs(std::string_view bytes) {
    static const Model<Network> model = test::shaken<Network>();
    static const Cpu cpu;
    static const serve::Reranker reranker(cpu, model, {.take_missing_columns = true});
    static serve::Workspace<Cpu> workspace, of_cached;
    static serve::BatchWorkspace<Cpu> batch;
    static serve::UserCache<Cpu, Network> cache;
    struct Columns {
        std::vector<std::int32_t> user, context, history_items, feedback, items;
        std::vector<std::int64_t> times, offsets;
        std::vector<float> scores, aux;
        std::int64_t time = 0;
    };
    Draw draw(bytes);
    std::vector<Columns> owned(static_cast<std::size_t>(1 + draw.below(3)));
    std::vector<Request> good;
    for (Columns& o : owned) {
        const int n = draw.below(41), events = draw.below(31);
        const std::uint8_t kind = draw.byte();
        o.user = {draw.id() & 3, draw.id() & 3};
        if (kind & 64) o.user.push_back(1);
        o.context = {draw.id()};
        for (int i = 0; i < n; ++i) o.items.push_back(draw.id());
        std::int64_t time = 0;
        for (int h = 0; h < events; ++h) {
            o.history_items.push_back(draw.id());
            time = kind & 16 ? draw.time() : time + h;
            o.times.push_back(time);
            if (kind & 1) o.feedback.push_back(draw.id());
        }
        if (kind & 128) std::ranges::sort(o.times);
        for (int i = 0; i < n; ++i) {
            if (kind & 2) o.scores.push_back(draw.number());
            if (kind & 4) o.aux.push_back(draw.number());
        }
        if (kind & 32 && !o.scores.empty()) o.scores.pop_back();
        o.time = kind & 8 ? draw.time() : 70000;
        const bool has_fields = draw.below(8) == 7;  // of events, which the model lacks, and that lie anywhere
        for (int h = 0; h <= events && has_fields; ++h) o.offsets.push_back(draw.time());
        const FieldRows fields(o.items, o.offsets, static_cast<std::size_t>(events), 1);
        const Request r{.user_fields = o.user,
                        .context = o.context,
                        .time = o.time,
                        .history_items = o.history_items,
                        .history_times = o.times,
                        .history_feedback = o.feedback,
                        .items = o.items,
                        .scores = o.scores,
                        .aux = o.aux,
                        .history_fields = has_fields ? fields : FieldRows()};
        try {
            model.encoder.check(r, {.take_missing_columns = true});
            good.push_back(r);
        } catch (const RequestError& e) {
            must_be_a_line(e);
        }
    }
    const int top = draw.below(54) - 3;
    const auto together = reranker(good, batch, top);
    for (std::size_t l = 0; l < good.size(); ++l) {
        const Request& r = good[l];
        const std::size_t wanted = top > 0 ? (std::min)(static_cast<std::size_t>(top), r.size()) : r.size();
        const serve::Reranked alone = reranker(r, workspace, top);
        must_be_an_answer(alone, r.size(), wanted);
        must(all_finite(alone), "scores are finite");
        must_be_an_answer(together[l], r.size(), wanted);
        cache.invalidate();
        for (int again = 0; again < 2; ++again) {
            const serve::Reranked cached = reranker(r, cache, of_cached, top);
            must(std::ranges::equal(alone.order, cached.order), "a cache changes no order");
        }
        float worst = 0;
        for (std::size_t t = 0; t < wanted; ++t)
            worst = (std::max)(worst, std::abs(alone.scores[t] - together[l].scores[t]));
        must(wanted == 0 || worst <= 1e-3f * (1 + std::abs(alone.scores[0])), "a batch scores alike");
    }
}
inline Seeds structs_seeds() {
    return {std::string(300, '\3'), std::string(200, 'x'), std::string(120, '\x87')};
}

}  // namespace psad::fuzz
