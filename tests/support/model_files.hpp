// Model files to be saved, damaged and loaded.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>

#include "psad/model_file/model_file.hpp"
#include "support/lists_folder.hpp"

namespace psad::test {

// A model file in a folder of its own.
class ModelFile {
  public:
    template <class Network>
    explicit ModelFile(const Model<Network>& model, model_file::Parts keep = model_file::Parts::all) {
        model_file::save(path(), model, "some variant", keep);
        saved_ = model_file::read_model_file(path());
    }

    std::filesystem::path path() const { return folder_.path() / "model.safetensors"; }
    model_file::TensorFile content() const { return saved_; }
    std::string bytes() const { return psad::test::read_bytes(path()); }

    // Writes something else in its place: with a checksum of its own, as a stranger's program would.
    void replace(const model_file::TensorFile& content) const { model_file::write_safetensors(path(), content); }
    void replace(const std::string& bytes) const { psad::test::write_bytes(path(), bytes); }

    // What loading says: "PLACE: found ..."; "" when it loads. Any other exception fails the test.
    template <class Network>
    std::string refusal() const {
        try {
            model_file::load<Network>(path());
            return "";
        } catch (const ModelFileError& e) {
            const std::string words = e.what(), file = path().string();
            CHECK(e.source() == file);
            CHECK(!e.place().empty());
            CHECK(words.starts_with(file + ", "));
            CHECK(words.size() < 600);
            return words.substr((std::min)(words.size(), file.size() + 2));
        }
    }

  private:
    psad::test::TempFolder folder_;
    model_file::TensorFile saved_;
};

}  // namespace psad::test
