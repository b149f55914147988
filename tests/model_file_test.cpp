// Models as files: nothing is lost on the way, and no other model is taken for it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "psad/backend/cpu/cpu.hpp"
#include "psad/eval/orders.hpp"
#include "psad/model_file/model_file.hpp"
#include "psad/serve/reranker.hpp"
#include "support/model_files.hpp"
#include "support/small_model.hpp"
#include "support/toy.hpp"

using namespace psad;
using namespace psad::test;

namespace {

using Net = Psad<small>;

constexpr Spec with(int block, int positions) {
    Spec s = small;
    s.block = block;
    s.positions = positions;
    return s;
}

// Every score that the student gives to the lists, in the order of its choice.
template <class Network>
std::vector<float> student_scores(const Model<Network>& m, std::span<const Request> lists) {
    const backend::Cpu<float> cpu;
    const serve::Reranker reranker(cpu, m);
    serve::Workspace<backend::Cpu<float>> workspace;
    std::vector<float> out;
    for (const Request& r : lists) {
        const auto scores = reranker(r, workspace).scores;
        out.insert(out.end(), scores.begin(), scores.end());
    }
    return out;
}

template <class Network>
std::vector<float> teacher_scores(const Model<Network>& m, std::span<const Request> lists) {
    const backend::Cpu<float> cpu;
    Batch<float> batch;
    m.encoder.encode(lists, Network::spec.positions, batch);
    const Inputs<float> in = batch.view();
    Arena<> arena;
    Inference ctx(cpu, m.parameters, in.layout, arena);
    const auto written = generate(ctx, m.network.teacher, in);
    return {written.score, written.score + in.layout.positions.rows};
}

}  // namespace

TEST_CASE("save and load: the same orders and the same scores to the bit") {
    const ToyLists lists(1, 20);
    const auto m = shaken<Net>();
    const ModelFile file(m);
    const auto back = model_file::load<Net>(file.path());
    const backend::Cpu<float> cpu;
    CHECK(eval::student_orders(cpu, m, lists.all) == eval::student_orders(cpu, back, lists.all));
    CHECK(eval::teacher_orders(cpu, m, lists.all) == eval::teacher_orders(cpu, back, lists.all));
    CHECK(student_scores(m, lists.all) == student_scores(back, lists.all));
    CHECK(teacher_scores(m, lists.all) == teacher_scores(back, lists.all));
    CHECK(student_scores(m, lists.all) != student_scores(shaken<Net>(8), lists.all));

    const ModelFile again(back);
    CHECK(file.bytes() == again.bytes());
    CHECK(*model_file::variant_name(file.content()) == "some variant");
    CHECK(model_file::has_teacher(file.content()));
    CHECK(back.encoder.max_history() == m.encoder.max_history());
    CHECK(back.encoder.schema().item_fields[1].name == "brand");
}

TEST_CASE("a student's file: smaller, loads as the student alone, is no whole model") {
    const ToyLists lists(1, 20);
    const auto m = shaken<Net>();
    const ModelFile whole(m), file(m, model_file::Parts::student);
    CHECK(file.bytes().size() < whole.bytes().size());
    CHECK(!model_file::has_teacher(file.content()));
    const auto wanted = student_scores(m, lists.all);
    CHECK(student_scores(model_file::load<StudentOf<Net>>(file.path()), lists.all) == wanted);
    CHECK(student_scores(model_file::load<StudentOf<Net>>(whole.path()), lists.all) == wanted);
    CHECK(file.refusal<Net>() == "metadata psad.variant: found no teacher, wanted a model with its teacher");
}

TEST_CASE("shared embeddings go with the student") {
    using Shared = Psad<small, tie::Embeddings>;
    const ToyLists lists(1, 20);
    const auto m = shaken<Shared>();
    const ModelFile file(m, model_file::Parts::student);
    CHECK(student_scores(model_file::load<StudentOf<Shared>>(file.path()), lists.all) == student_scores(m, lists.all));
    CHECK(file.refusal<StudentOf<Net>>().starts_with("metadata psad.variant: found student.tied = "));
}

TEST_CASE("a model of another variant is refused by the number or policy that differs") {
    const ModelFile file(shaken<Net>());
    CHECK(file.refusal<Net>() == "");
    CHECK(file.refusal<Psad<with(3, 5)>>() == "metadata psad.variant: found teacher.block = 2, wanted 3");
    CHECK(file.refusal<Psad<with(2, 6)>>() == "metadata psad.variant: found teacher.positions = 5, wanted 6");
    CHECK(file.refusal<Psad<small, order::Sort>>() ==
          "metadata psad.variant: found student.order = \"greedy with transitions\", wanted \"sort\"");
    CHECK(file.refusal<Psad<small, fade::Personal<fade::Exponential>>>().starts_with(
        "metadata psad.variant: found student.fade_curve = \"power law\""));
    CHECK(file.refusal<Psad<small, match::Off>>().starts_with("metadata psad.variant: found student.match"));
    CHECK(file.refusal<Psad<small, gate::None>>().starts_with("metadata psad.variant: found student.gates"));
    CHECK(file.refusal<Psad<small, pool::PerUser>>().starts_with("metadata psad.variant: found teacher.history"));
    CHECK(file.refusal<Psad<small, transition::Off>>().starts_with("metadata psad.variant: found teacher.transitions"));
    CHECK(file.refusal<Psad<small, list_context::SelfAttention>>().starts_with(
        "metadata psad.variant: found student.list_context"));
    // The student does not ask how its teacher wrote.
    CHECK(file.refusal<StudentOf<Psad<with(3, 7), transition::Off>>>() == "");
    CHECK(file.refusal<StudentOf<Psad<small, order::Sort>>>() != "");
}

TEST_CASE("another version of the format is refused") {
    const ModelFile file(shaken<Net>());
    model_file::TensorFile other = file.content();
    other.metadata["psad.format"] = "psad-model-1";
    file.replace(other);
    CHECK(file.refusal<Net>() == "metadata psad.format: found psad-model-1, wanted psad-model-4");
    other.metadata.erase("psad.format");
    file.replace(other);
    CHECK(file.refusal<Net>() == "metadata psad.format: found no such key, wanted psad-model-4");
}

TEST_CASE("every parameter must be there, of its shape and type, and finite") {
    const auto m = shaken<Net>();
    const ModelFile file(m);
    const auto at = [](model_file::TensorFile& content, const std::string& name) {
        return std::ranges::find(content.tensors, name, &model_file::Tensor::name);
    };
    for (const ParameterInfo& p : m.registry.parameters) {
        model_file::TensorFile damaged = file.content();
        damaged.tensors.erase(at(damaged, p.name));
        file.replace(damaged);
        CHECK(file.refusal<Net>().starts_with("tensor " + p.name + ": found no such tensor"));
    }
    for (const char* name : {"student.out.weight", "teacher.features.item.field0"}) {
        const std::string place = "tensor " + std::string(name);
        model_file::TensorFile damaged = file.content();
        const auto tensor = at(damaged, name);
        REQUIRE(tensor != damaged.tensors.end());
        std::swap(tensor->shape[0], tensor->shape[1]);
        file.replace(damaged);
        CHECK(file.refusal<Net>().starts_with(place + ": found shape ["));
        std::swap(tensor->shape[0], tensor->shape[1]);
        tensor->dtype = "I32";
        file.replace(damaged);
        CHECK(file.refusal<Net>() == place + ": found dtype I32, wanted dtype F32");
        for (const float bad : {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
            auto model = m;
            const auto info = std::ranges::find(m.registry.parameters, name, &ParameterInfo::name);
            model.parameters.at(*info)[info->size() - 1] = bad;
            const ModelFile spoiled(model);
            CHECK(spoiled.refusal<Net>() == place + ": found " + std::to_string(bad) + ", wanted finite numbers");
        }
    }
}

TEST_CASE("a file that is none, or not all of it") {
    const ModelFile file(shaken<Net>());
    const std::string whole = file.bytes();
    file.replace(std::string());
    CHECK(file.refusal<Net>() == "header: found 0 bytes, wanted at least 8");
    file.replace(std::string("a line of text, and another one\n"));
    CHECK(file.refusal<Net>().starts_with("header: found a length of "));
    for (std::size_t i = 0; i < 60; ++i) {
        file.replace(whole.substr(0, whole.size() * i / 60));
        CHECK(file.refusal<Net>() != "");
    }
    file.replace(whole.substr(0, whole.size() - 1));
    CHECK(file.refusal<Net>() != "");
    file.replace(whole + '\0');
    CHECK(file.refusal<Net>() != "");
    file.replace(whole);
    CHECK(file.refusal<Net>() == "");
    CHECK_THROWS_AS(model_file::load<Net>(file.path().parent_path() / "none"), ModelFileError);
    CHECK_THROWS_AS(model_file::load<Net>(file.path().parent_path()), ModelFileError);
}

TEST_CASE("no flipped bit goes unnoticed") {
    const ModelFile file(shaken<Net>());
    const std::string whole = file.bytes();
    for (std::uint64_t i = 0; i < 500; ++i) {
        const auto bit = rng::bits(3, i) % (whole.size() * 8);
        std::string damaged = whole;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        file.replace(damaged);
        INFO("bit " << bit);
        CHECK(file.refusal<Net>() != "");
    }
}
