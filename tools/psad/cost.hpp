// psad cost for one network.
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <type_traits>
#include <vector>

#include "options.hpp"
#include "output.hpp"
#include "psad/autograd/cost.hpp"
#include "psad/core/error.hpp"
#include "psad/features/fit_encoder.hpp"
#include "psad/model/baselines/dlcm.hpp"
#include "psad/model/decoding_cost.hpp"
#include "psad/model/psad_model.hpp"

namespace psad::cli {

/// Parameters of a part without embedding tables of fields: those depend on the data.
inline std::size_t parameters_of(const ParameterRegistry& registry, Part part) {
    std::size_t count = 0;
    for (const ParameterInfo& p : registry.parameters) count += p.part == part && !p.table ? p.size() : 0;
    return count;
}

inline void print_cost(const char* what, const Cost& c) {
    print("{:<34} {:>14.0f} {:>14.0f} {:>10.2f}\n", what, c.flops(), c.bytes(),
          c.bytes() > 0 ? c.flops() / c.bytes() : 0);
}

template <class Network>
void cost(const CostOptions& o) {
    if constexpr (std::is_same_v<typename Network::StudentModel, baseline::Dlcm<Network::spec>>) {
        throw SettingError("--variant", "", o.variant, "another: its steps depend on the lists");
    } else {
        ParameterRegistry registry;
        // Two fields besides the id, `score` and `aux` stand for a schema. Reading a table costs no arithmetic but the
        // sum.
        const Encoder encoder = fit_encoder(
            {.user_fields = {{"", 1}},
             .context_fields = {{"", 1}},
             .item_fields = {{"", 1}, {"", 1}},
             .candidate_dense = {{.name = "score", .along_list = true}, {.name = "aux", .along_list = true}}},
            {.fields = std::vector<Catalog::Field>(2)}, {});
        const Network network(Scope(registry), encoder.input_sizes());
        LayoutStorage storage;
        const int positions = (std::min)(Network::spec.positions, o.items);
        storage.add(o.items, o.history, positions);
        const Layout layout = storage.view();
        const Inputs<float> in{};
        Cost user(layout), score(layout), transitions(layout), encode(layout), decode(layout);
        const auto state = network.student.user_state(user, in);
        const auto scores = network.student.score(score, in, state);
        if constexpr (is_greedy<typename Network::StudentModel>())
            network.student.transition_scores(transitions, scores);

        print("{} with {} candidates, {} events, {} positions\n\n", o.variant, o.items, o.history, positions);
        print("parameters (without field tables): student {}", parameters_of(registry, Part::student));
        if constexpr (HasTeacher<Network>) print(", teacher {}", parameters_of(registry, Part::teacher));
        print("\n\n{:<34} {:>14} {:>14} {:>10}\n", "per request", "FLOPs", "bytes", "FLOPs/byte");
        print_cost("student: user state (cacheable)", user);
        print_cost("student: candidates", score);
        print_cost("student: transitions", transitions);
        if constexpr (HasTeacher<Network>) {
            const auto memory = network.teacher.encode(encode, in);
            if constexpr (Network::TeacherModel::has_transitions) network.teacher.transition_scores(encode, memory);
            add_decoding(decode, network.teacher, memory);
            print_cost("teacher: candidates", encode);
            print_cost("teacher: positions", decode);
        }
    }
}

}  // namespace psad::cli
