/// \file visit_model.hpp
/// Which of a closed set of variants a model file was made of.
#pragma once

#include <string>

#include "psad/core/error.hpp"
#include "psad/core/text.hpp"
#include "psad/model/variant_set.hpp"
#include "psad/model_file/model_file.hpp"

namespace psad::inline PSAD_ABI::model_file {

/// Calls f(Variant{}) for the variant of `Set` (a VariantSet) that the file was made of: the one of its name, or, for a
/// name that the set does not have, the first whose description the file holds. Throws ModelFileError where there is
/// none.
template <class Set, class F>
void visit_model(const TensorFile& file, F f) {
    std::string name = variant_name(file);
    if (!Set::has(name)) {
        const detail::MetadataReader reader(file, "psad.variant");
        Set::for_each([&](auto variant) {
            using Variant = decltype(variant);
            if (Set::has(name)) return;
            JsonValue described = JsonValue::object();
            describe<typename Variant::type>().for_each_member([&](const std::string& part, const JsonValue& said) {
                if (part != "teacher" || reader.json().contains("teacher")) described.set(part, said);
            });
            if (described == reader.json()) name = Variant::name;
        });
    }
    if (!Set::has(name)) {
        throw ModelFileError(file.source, "metadata psad.name", printable(name),
                             "one of " + Set::names() + ", or a model made like one of them");
    }
    Set::visit(name, f);
}

}  // namespace psad::model_file
