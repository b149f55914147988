// A variant that can be chosen by name needs one.
// EXPECT: NamedVariant
// EXPECT: Variants = (\{Nameless\}|<Nameless>)
#include "psad/model/psad_model.hpp"
#include "psad/model/variant_set.hpp"

struct Nameless {
    using type = psad::Psad<>;
};
using Wrong = psad::VariantSet<Nameless>;
