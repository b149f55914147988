// Requests on two threads, with and without caches of users, while the model is replaced every 10 ms: how many answers
// are not those of one model, and how long they take. Usage: psad_swaps [REQUESTS] (1000000)
#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#include "psad/serve/live_model.hpp"
#include "synthetic_requests.hpp"

namespace {

using Network = psad::StudentOf<psad::Psad<>>;
using Live = psad::serve::LiveModel<Network>;
using Clock = std::chrono::steady_clock;

constexpr int requests = 64, models = 3, threads = 2, candidates = 20, events = 50, top = 10;

struct Answer {
    std::vector<int> order;
    std::vector<float> scores;

    bool is(const psad::serve::Reranked& out) const {
        return std::ranges::equal(order, out.order) && std::ranges::equal(scores, out.scores);
    }
};

/// What one thread saw.
struct Seen {
    std::int64_t answers = 0, mixed = 0;
    std::vector<std::int64_t> of_microseconds = std::vector<std::int64_t>(100'000);  ///< answers that took so many

    void add(double microseconds) {
        const auto at = static_cast<std::size_t>(microseconds * 10);  // tenths
        ++of_microseconds[(std::min)(at, of_microseconds.size() - 1)];
    }
};

double percentile(const std::vector<std::int64_t>& counts, std::int64_t all, double share) {
    std::int64_t so_far = 0;
    for (std::size_t t = 0; t < counts.size(); ++t) {
        so_far += counts[t];
        if (static_cast<double>(so_far) >= share * static_cast<double>(all)) return static_cast<double>(t) / 10;
    }
    return static_cast<double>(counts.size()) / 10;
}

}  // namespace

int main(int count, char** words) {
    std::int64_t wanted = 1'000'000;
    if (count > 1) {
        const char* const end = words[1] + std::strlen(words[1]);
        if (const auto read = std::from_chars(words[1], end, wanted); read.ptr != end || wanted < 1) {
            std::fprintf(stderr, "psad_swaps: found %s, wanted a number of requests\n", words[1]);
            return 2;
        }
    }
    psad::benchmarks::Workload<Network> work(requests, candidates, events);
    std::vector<psad::Model<Network>> all;
    std::vector<std::vector<Answer>> right(requests);
    for (int m = 0; m < models; ++m) {
        all.push_back(work.model);
        float* const numbers = all.back().parameters.dense.data();
        for (std::size_t i = 0; i < all.back().registry.dense_size; ++i)
            numbers[i] += 0.1f * static_cast<float>(psad::rng::normal(static_cast<std::uint64_t>(m), i));
        all.back().generation.renew();
        const psad::backend::Cpu<float> cpu;
        const psad::serve::Reranker reranker(cpu, all.back());
        auto workspace = reranker.workspace();
        for (std::size_t r = 0; r < requests; ++r) {
            const auto out = reranker(work.requests[r], workspace, top);
            right[r].push_back({{out.order.begin(), out.order.end()}, {out.scores.begin(), out.scores.end()}});
        }
    }

    Live live(all[0]);
    std::atomic<std::int64_t> left = wanted;
    std::vector<Seen> seen(threads);
    std::vector<std::thread> readers;
    for (int t = 0; t < threads; ++t) {
        readers.emplace_back([&, t] {
            Seen& mine = seen[static_cast<std::size_t>(t)];
            Live::Reader reader = live.reader();
            std::vector<psad::serve::UserCache<psad::backend::Cpu<float>, Network>> caches(requests);
            for (std::int64_t number; (number = left.fetch_sub(1)) > 0;) {
                const auto r = static_cast<std::size_t>(number % requests);
                const auto start = Clock::now();
                const auto out =
                    number % 3 == 0 ? reader(work.requests[r], top) : reader(work.requests[r], caches[r], top);
                mine.add(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
                ++mine.answers;
                mine.mixed += std::ranges::any_of(right[r], [&](const Answer& a) { return a.is(out); }) ? 0 : 1;
            }
        });
    }
    std::int64_t swaps = 0;
    for (; left > 0; std::this_thread::sleep_for(std::chrono::milliseconds(10)))
        live.replace(all[static_cast<std::size_t>(++swaps % models)]);
    for (std::thread& t : readers) t.join();

    Seen sum;
    for (const Seen& s : seen) {
        sum.answers += s.answers, sum.mixed += s.mixed;
        std::ranges::transform(sum.of_microseconds, s.of_microseconds, sum.of_microseconds.begin(), std::plus<>());
    }
    std::printf(
        "%lld answers on %d threads, %lld swaps: %lld that no model gives; p50 %.1f us, p99 %.1f us, p99.9 %.1f us\n",
        static_cast<long long>(sum.answers), threads, static_cast<long long>(swaps), static_cast<long long>(sum.mixed),
        percentile(sum.of_microseconds, sum.answers, 0.5), percentile(sum.of_microseconds, sum.answers, 0.99),
        percentile(sum.of_microseconds, sum.answers, 0.999));
    return sum.mixed == 0 ? 0 : 1;
}
