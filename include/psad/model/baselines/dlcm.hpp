/// \file dlcm.hpp
/// DLCM (Ai et al., SIGIR 2018): a recurrent network reads the list from its end to its top; each candidate
/// is scored against the last state. It knows nothing of histories; pool::PerUser gives it the student's UPN.
#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "psad/autograd/ops/gather.hpp"
#include "psad/autograd/ops/pairs.hpp"
#include "psad/autograd/ops/segments.hpp"
#include "psad/model/item_encoder.hpp"
#include "psad/model/scorer.hpp"
#include "psad/model/spec.hpp"
#include "psad/nn/gru.hpp"

namespace psad::inline PSAD_ABI::baseline {

template <Spec spec, class... Policies>
class Dlcm {
  public:
    static constexpr int width = spec.width;
    static constexpr const char* name = "DLCM";

    Dlcm(const Scope& scope, const Embeddings<width>& embeddings)
        : items_(scope / "profile", embeddings),
          cell_(scope / "cell"),
          context_(scope / "context"),
          out_(scope / "out") {}

    template <class Ctx, class T>
    auto user_state(Ctx& ctx, const Inputs<T>& in) const {
        return items_.user_state(ctx, in, items_.profile(ctx, in));
    }
    /// phi(o_i, s) = v . (o_i * tanh(W s)), o_i the state after candidate i, s the state after all.
    template <class Ctx, class T, class U>
    auto score(Ctx& ctx, const Inputs<T>& in, const U& user) const {
        static_assert(Ctx::Device::Memory::on_host, "psad: DLCM lays out its steps on the host");
        const auto item = items_(ctx, in, user);
        const Layout& layout = ctx.layout();
        const auto& w = ctx.workspace();
        const auto lists = static_cast<std::size_t>(layout.lists);
        const auto items = static_cast<std::size_t>(layout.items.rows);
        int longest = 0;
        for (int l = 0; l < layout.lists; ++l)
            longest = (std::max)(longest, layout.items.end[l] - layout.items.begin[l]);
        // Step t reads the candidate at t + longest - n of each list backwards, so that all end at the top
        // together.
        const auto step = [&](int t, int* read, int* state_of) {
            for (int i = 0; i < layout.items.rows; ++i) state_of[i] = -1;
            for (int l = 0; l < layout.lists; ++l) {
                const int at = longest - 1 - t, n = layout.items.end[l] - layout.items.begin[l];
                read[l] = at < n ? layout.items.begin[l] + at : -1;
                if (at < n) state_of[read[l]] = l;
            }
        };
        int* read = w.template take<int>(lists);
        std::fill_n(read, lists, -1);
        auto state = gather<Lists>(ctx, item, read);  // zeros
        read = w.template take<int>(lists);
        int* state_of = w.template take<int>(items);
        step(0, read, state_of);
        state = cell_(ctx, gather<Lists>(ctx, item, read), state);
        auto after = gather<Items>(ctx, state, state_of);
        for (int t = 1; t < longest; ++t) {
            read = w.template take<int>(lists);
            state_of = w.template take<int>(items);
            step(t, read, state_of);
            state = cell_(ctx, gather<Lists>(ctx, item, read), state);
            after = map(ctx, Add{}, after, gather<Items>(ctx, state, state_of));
        }
        const auto score = out_(ctx, map(ctx, Multiply{}, after, context_(ctx, state)));
        return Scores{score};
    }

    /// Calls visit(name, value) for all that a model file and the type that reads it must agree on.
    template <class Visit>
    static void describe(Visit&& visit) {
        visit("width", spec.width);
        visit("gate", spec.gate);
        Upn::describe(visit);
    }

  private:
    using Upn = UpnPolicies<pool::None, gate::PerUser, Policies...>;

    ItemEncoder<width, spec.gate, Upn> items_;
    nn::GruCell<width, width> cell_;
    nn::Linear<width, width, Tanh> context_;
    nn::Projection<width, 1> out_;
};

}  // namespace psad::baseline
