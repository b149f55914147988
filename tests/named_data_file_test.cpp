// Names in model files: what was learned is read back, and what does not fit the model is refused.
#include <doctest/doctest.h>

#include <string>

#include "psad/model_file/model_file.hpp"
#include "support/model_files.hpp"
#include "support/small_model.hpp"
#include "support/toy.hpp"

using namespace psad;
using namespace psad::test;

namespace {

using Net = Psad<small>;

/// Names for all that the toy encoder knows.
NamedData toy_names(const Encoder& encoder) {
    NamedData out;
    const Schema& s = encoder.schema();
    out.schema.item = "item", out.schema.event_item = "item", out.schema.event_time = out.schema.time = "ts";
    for (const FieldSchema& f : s.user_fields) out.schema.of_user.fields.push_back({f.name});
    for (const FieldSchema& f : s.context_fields) out.schema.of_context.fields.push_back({f.name});
    for (const FieldSchema& f : s.item_fields) out.schema.of_item.fields.push_back({f.name});
    out.ids = NamedIds(out.schema);
    const auto fill = [](IdMap& map, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) map.add("name " + std::to_string(i));
    };
    fill(out.ids.items, encoder.catalog().items);
    fill(out.ids.kinds, static_cast<std::size_t>(s.feedback_kinds) - 1);
    const auto fill_all = [&](std::vector<IdMap>& maps, const std::vector<FieldSchema>& fields) {
        for (std::size_t f = 0; f < maps.size(); ++f) fill(maps[f], static_cast<std::size_t>(fields[f].vocabulary) - 1);
    };
    fill_all(out.ids.user_fields, s.user_fields);
    fill_all(out.ids.context_fields, s.context_fields);
    fill_all(out.ids.item_fields, s.item_fields);
    return out;
}

}  // namespace

TEST_CASE("names: saved with a model and read back; a model of numbers has none") {
    const TempFolder folder;
    const Model<Net> m(toy_encoder());
    const NamedData names = toy_names(m.encoder);
    model_file::save(folder / "m.st", m, "toy", model_file::Parts::all, &names);
    const model_file::TensorFile file = model_file::read_model_file(folder / "m.st");
    const auto back = model_file::read_named_data(file, m.encoder.schema(), m.encoder.catalog());
    REQUIRE(back.has_value());
    CHECK(back->schema == names.schema);
    CHECK(back->ids.items.find("name 7") == 7);
    CHECK(back->ids.user_fields[1].size() == names.ids.user_fields[1].size());
    CHECK(back->ids.kinds.name(2) == "name 2");
    CHECK_NOTHROW(model_file::load<Net>(file));
    model_file::save(folder / "n.st", m, "toy");
    CHECK(!model_file::read_named_data(model_file::read_model_file(folder / "n.st"), m.encoder.schema(),
                                       m.encoder.catalog()));
}

TEST_CASE("names: those that do not fit the model are refused") {
    const Model<Net> m(toy_encoder());
    const auto refused = [&](auto change) {
        NamedData names = toy_names(m.encoder);
        change(names);
        model_file::TensorFile file;
        file.source = "m.st";
        model_file::add_named_data(file, names);
        try {
            model_file::read_named_data(file, m.encoder.schema(), m.encoder.catalog());
        } catch (const ModelFileError& e) {
            return std::string(e.what());
        }
        return std::string();
    };
    CHECK(refused([](NamedData&) {}).empty());
    CHECK(refused([](NamedData& d) { d.ids.items.add("one more"); }) == "m.st, names of items: found 61, wanted 60");
    CHECK(refused([](NamedData& d) { d.ids.kinds.add("one more"); }).starts_with("m.st, names of kinds of events: "));
    CHECK(refused([](NamedData& d) { d.ids.item_fields[1].add("one more"); }) ==
          "m.st, names of brand: found 5, wanted 4");
    CHECK(refused([](NamedData& d) { d.schema.of_user.dense = {{"age"}}; }) ==
          "m.st, names of user_dense: found 1, wanted 0");
    NamedData names = toy_names(m.encoder);
    model_file::TensorFile whole;
    whole.source = "m.st";
    model_file::add_named_data(whole, names);
    for (std::size_t t = 0; t < whole.tensors.size(); ++t) {
        if (whole.tensors[t].bytes.empty()) continue;
        model_file::TensorFile changed = whole;
        changed.tensors[t].bytes.back() = std::byte{0x7f};  // an end beyond all names, or another name
        if (changed.tensors[t].dtype == "I8") continue;
        CHECK_THROWS_AS(model_file::read_named_data(changed, m.encoder.schema(), m.encoder.catalog()), ModelFileError);
    }
    whole.metadata["psad.data"] = "{}";
    CHECK_THROWS_AS(model_file::read_named_data(whole, m.encoder.schema(), m.encoder.catalog()), ModelFileError);
}
