#include "psad/autograd/cost.hpp"

#include <fmt/core.h>

#include <algorithm>

#include "commands.hpp"
#include "psad/model/decoding_cost.hpp"
#include "variants.hpp"

namespace psad::cli {

namespace {

// Parameters of a part without embedding tables of fields: those depend on the data.
std::size_t parameters_of(const ParameterList& list, const char* part) {
    std::size_t count = 0;
    for (const ParameterInfo& p : list.parameters)
        count += p.name.starts_with(part) && !p.table ? p.size() : 0;
    return count;
}

void row(const char* what, const Cost& c) {
    fmt::print("{:<34} {:>14.0f} {:>14.0f} {:>10.2f}\n", what, c.flops(), c.bytes(), c.flops() / c.bytes());
}

template <class Network>
void run(const CostOptions& o) {
    ParameterList list;
    // Two fields besides the id stand for a typical schema; tables cost no arithmetic but their sum.
    const Network network(Scope(list), TableSizes{{2, 2}, {2, 2, 2}});
    LayoutStorage storage;
    storage.clear();
    const int slots = (std::min)(Network::spec.slots, o.items);
    storage.add(o.items, o.history, slots);
    const Layout layout = storage.view();
    const Inputs<float> in{};
    Cost user(layout), score(layout), write(layout), encode(layout), decode(layout);
    const auto part = network.student.user(user, in);
    const auto scores = network.student.score(score, in, part);
    if constexpr (Network::StudentModel::greedy) network.student.steps(write, scores);
    const auto memory = network.teacher.encode(encode, in);
    if constexpr (Network::TeacherModel::has_transitions) network.teacher.steps(encode, memory);
    add_decoding(decode, network.teacher, memory);

    fmt::print("{} with {} candidates, {} events, {} places\n\n", o.variant, o.items, o.history, slots);
    fmt::print("parameters (without field tables): student {}, teacher {}\n\n",
               parameters_of(list, "student"), parameters_of(list, "teacher"));
    fmt::print("{:<34} {:>14} {:>14} {:>10}\n", "per request", "FLOPs", "bytes", "FLOPs/byte");
    row("student: user part (cacheable)", user);
    row("student: candidates", score);
    row("student: transitions", write);
    row("teacher: candidates", encode);
    row("teacher: places", decode);
}

}  // namespace

void cost(const CostOptions& options) {
    Variants::visit(options.variant, [&](auto variant) { run<typename decltype(variant)::type>(options); });
}

}  // namespace psad::cli
