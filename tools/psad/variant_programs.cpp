#include "variant_programs.hpp"

#include "psad/core/error.hpp"
#include "psad/model_file/visit_model.hpp"
#include "variants.hpp"

namespace psad::cli {

namespace {
const VariantProgram* find(const std::string& name) {
    static const std::vector<VariantProgram> all = variant_programs();
    for (const VariantProgram& v : all) {
        if (v.name == name) return &v;
    }
    return nullptr;
}
}  // namespace

std::string variant_names() {
    std::string names;
    for (const VariantProgram& v : variant_programs()) names += (names.empty() ? "" : ", ") + v.name;
    return names;
}

const VariantProgram& variant_program(const std::string& name) {
    if (const VariantProgram* found = find(name)) return *found;
    throw SettingError("--variant", "", name, "one of " + variant_names());
}

const VariantProgram& variant_program(const model_file::TensorFile& file) {
    std::string name;
    model_file::visit_model<Variants>(file, [&](auto variant) { name = decltype(variant)::name; });
    if (const VariantProgram* found = find(name)) return *found;
    throw ModelFileError(file.source, "metadata psad.name", name + ", which this build of psad lacks",
                         "one of " + variant_names());
}

}  // namespace psad::cli
