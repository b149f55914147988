/// \file visit_model.hpp
/// Which of a closed set of variants a model file was made of.
#pragma once

#include <optional>
#include <string>

#include "psad/core/error.hpp"
#include "psad/core/text.hpp"
#include "psad/model/variant_set.hpp"
#include "psad/model_file/load_model.hpp"

namespace psad::inline PSAD_ABI::model_file {

/// The name of the variant of `Set` (a VariantSet) that the file was made of: its own, or, for a name that the set does
/// not have, that of the first whose description the file holds. An error where there is none.
template <class Set>
FromFile<std::string> find_variant(const TensorFile& file) {
    auto name = variant_name(file);
    if (!name || Set::has(*name)) return name;
    std::optional<ModelFileError> fault;
    const detail::MetadataReader reader(file, "psad.variant", fault);
    if (fault) return *fault;
    std::string same;
    Set::for_each([&](auto variant) {
        using Variant = decltype(variant);
        if (!same.empty()) return;
        JsonValue described = JsonValue::object();
        describe<typename Variant::type>().for_each_member([&](const std::string& part, const JsonValue& said) {
            if (part != "teacher" || reader.json().contains("teacher")) described.set(part, said);
        });
        if (described == reader.json()) same = Variant::name;
    });
    if (!same.empty()) return same;
    return ModelFileError(file.source, "metadata psad.name", printable(*name),
                          "one of " + Set::names() + ", or a model made like one of them");
}

/// Calls f(Variant{}) for that variant; throws ModelFileError where there is none.
template <class Set, class F>
void visit_model(const TensorFile& file, F f) {
    Set::visit(find_variant<Set>(file).value(), f);
}

}  // namespace psad::model_file
