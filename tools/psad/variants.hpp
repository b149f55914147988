// The variants that the program offers by name.
#pragma once

#include "device_variants.hpp"
#include "psad/model/baselines/attention_scorer.hpp"
#include "psad/model/baselines/dlcm.hpp"
#include "psad/model/psad_model.hpp"
#include "psad/model/variant_set.hpp"

namespace psad::cli {

/// A student that gives one number per item.
struct Sort {
    static constexpr const char* name = "sort";
    using type = Psad<Spec{}, order::Sort>;
};
/// A teacher that places one item at a time.
struct Autoregressive {
    static constexpr const char* name = "autoregressive";
    using type = Psad<Spec{.block = 1}>;
};
/// Without the item-match term: shows what it is worth.
struct NoMatch {
    static constexpr const char* name = "no-match";
    using type = Psad<Spec{}, match::Off>;
};
/// Baselines of the numbers of "small", trained without a teacher.
template <class Scorer>
using Alone = StudentOf<Psad<Small::type::spec, student::Of<Scorer>>>;
struct Mlp {
    static constexpr const char* name = "mlp";
    using type = StudentOf<Psad<Small::type::spec, pool::None, match::Off, list_context::None, order::Sort>>;
};
struct Prm {
    static constexpr const char* name = "prm";
    using type = Alone<baseline::Prm<Small::type::spec>>;
};
struct SetRank {
    static constexpr const char* name = "setrank";
    using type = Alone<baseline::SetRank<Small::type::spec>>;
};
struct Dlcm {
    static constexpr const char* name = "dlcm";
    using type = Alone<baseline::Dlcm<Small::type::spec>>;
};

using Variants = VariantSet<Default, Small, Sort, Autoregressive, NoMatch, Mlp, Prm, SetRank, Dlcm>;

}  // namespace psad::cli
