// Students of any kind: a baseline or one's own is trained alone or distilled into, saved, loaded, served and
// evaluated.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "psad/backend/cpu/cpu.hpp"
#include "psad/eval/orders.hpp"
#include "psad/model/baselines/attention_scorer.hpp"
#include "psad/model/baselines/dlcm.hpp"
#include "psad/model_file/visit_model.hpp"
#include "psad/serve/explain.hpp"
#include "psad/serve/reranker.hpp"
#include "psad/train/trainer.hpp"
#include "support/model_files.hpp"
#include "support/small_model.hpp"
#include "support/toy.hpp"

using namespace psad;
using namespace psad::test;

namespace {

// A logistic regression on candidate and user.
struct Linear {
    static constexpr int width = 8;
    static constexpr const char* name = "linear";

    Linear(const Scope& scope, const Embeddings<width>& all) : embeddings(all), out(scope / "out") {}

    template <class Ctx, class T>
    auto user_state(Ctx& ctx, const Inputs<T>& in) const {
        return embeddings.profile(ctx, in);
    }
    template <class Ctx, class T, class User>
    auto score(Ctx& ctx, const Inputs<T>& in, const User& user) const {
        return Scores{out(ctx, map(ctx, Add{}, embeddings.items(ctx, in), user))};
    }
    template <class Visit>
    static void describe(Visit&& visit) {
        visit("width", width);
    }

    Embeddings<width> embeddings;
    nn::Linear<width, 1> out;
};
// The same with another number in its description.
struct WiderLinear : Linear {
    using Linear::Linear;
    template <class Visit>
    static void describe(Visit&& visit) {
        visit("width", width + 1);
    }
};

template <class S, class... Policies>
using With = Psad<small, student::Of<S>, Policies...>;

template <class Network>
Model<Network> trained(const ToyLists& lists) {
    Model<Network> m(toy_encoder(lists.all));
    train::Settings s;
    s.steps = 8;
    s.batch = 7;
    s.dropout = 0;  // no draws and no common norm: what a teacher beside a student could change
    s.clip = 0;
    train::train(backend::Cpu<float>(), m, std::span<const Request>(lists.all), s,
                 [](const auto&) { return train::ValidationScore{}; });
    return m;
}

// Numbers of a student after training, to see whether its teacher taught it.
template <class Network>
std::vector<float> student_numbers(const Model<Network>& m) {
    std::vector<float> out;
    for (const ParameterInfo& p : m.registry.parameters) {
        if (p.part == Part::student) out.insert(out.end(), m.parameters.at(p), m.parameters.at(p) + p.size());
    }
    return out;
}

template <class Network>
void check_file(const Model<Network>& m, const ToyLists& lists) {
    const backend::Cpu<float> cpu;
    const ModelFile file(m, model_file::Parts::student);
    using Served = StudentOf<Network>;
    const auto back = model_file::load<Served>(file.path());
    const auto orders = eval::student_orders(cpu, m, lists.all, toy_items);
    CHECK(eval::student_orders(cpu, back, lists.all, toy_items) == orders);

    const serve::Reranker reranker(cpu, back);
    auto workspace = reranker.workspace();
    auto user = reranker.user_cache();
    for (std::size_t l = 0; l < lists.all.size(); ++l) {
        const serve::Reranked found = reranker(lists.all[l], workspace);
        const std::vector<int> order(found.order.begin(), found.order.end());
        CHECK(std::equal(orders[l].begin(), orders[l].end(), order.begin()));
        CHECK(std::ranges::equal(reranker(lists.all[l], user, workspace).order, order));
        const auto why = serve::explain(cpu, back, lists.all[l], reranker(lists.all[l], workspace));
        REQUIRE(why.size() == order.size());
        for (std::size_t t = 0; t < order.size(); ++t) CHECK(why[t].position == order[t]);
    }
}

template <class S>
void check_student() {
    const ToyLists lists(1, 4);
    const auto alone = trained<StudentOf<With<S>>>(lists);
    const auto distilled = trained<With<S>>(lists);
    CHECK(student_numbers(alone) != student_numbers(distilled));
    check_file(alone, lists);
    check_file(distilled, lists);
}

}  // namespace

TEST_CASE("a student of one's own: alone, distilled into, saved, loaded and served") {
    check_student<Linear>();
}

TEST_CASE("a student is taught by distillation alone: beside a teacher without it, it learns what it learns alone") {
    const ToyLists lists(1, 4);
    CHECK(student_numbers(trained<StudentOf<With<Linear>>>(lists)) ==
          student_numbers(trained<With<Linear, distill::None>>(lists)));
}

TEST_CASE("PRM, SetRank and DLCM as students: alone, distilled into, saved, loaded and served") {
    check_student<baseline::Prm<small>>();
    check_student<baseline::SetRank<small>>();
    check_student<baseline::Dlcm<small>>();
}

TEST_CASE("a baseline that sees items through the UPN: alone, saved, loaded and served") {
    const ToyLists lists(1, 4);
    check_file(trained<StudentOf<With<baseline::Prm<small, pool::PerUser>>>>(lists), lists);
}

TEST_CASE("the student of a student alone is the same network") {
    using Once = StudentOf<With<Linear>>;
    const ToyLists lists(1, 4);
    const Model<Once> once(toy_encoder(lists.all));
    const Model<StudentOf<Once>> twice(toy_encoder(lists.all));
    CHECK(student_numbers(once) == student_numbers(twice));
}

TEST_CASE("a model file tells students apart, by name and by what they describe") {
    const ToyLists lists(1, 4);
    const Model<With<Linear>> m(toy_encoder(lists.all));
    const ModelFile file(m);
    CHECK(file.refusal<With<Linear>>() == "");
    CHECK(file.refusal<Psad<small>>() == "metadata psad.variant: found student.name = \"linear\", wanted \"PSAD-S\"");
    CHECK(file.refusal<With<WiderLinear>>().find("width = 8, wanted 9") != std::string::npos);
    CHECK(file.refusal<With<baseline::Prm<small>>>().find("PRM") != std::string::npos);
}

namespace {
struct Own {
    static constexpr const char* name = "own";
    using type = With<Linear>;
};
struct Prm {
    static constexpr const char* name = "prm";
    using type = StudentOf<With<baseline::Prm<small>>>;
};
struct Usual {
    static constexpr const char* name = "usual";
    using type = Psad<small>;
};
}  // namespace

TEST_CASE("visit_model: the variant of a file by its name, else by its description") {
    using Variants = VariantSet<Own, Prm>;
    const ToyLists lists(1, 4);
    const auto visited = [](const model_file::TensorFile& file) {
        std::string name;
        model_file::visit_model<Variants>(file, [&](auto variant) { name = decltype(variant)::name; });
        return name;
    };
    const TempFolder folder;
    const auto saved = [&](const auto& m, const char* name, model_file::Parts parts = model_file::Parts::all) {
        model_file::save(folder.path() / "model", m, name, parts);
        return model_file::read_model_file(folder.path() / "model");
    };
    const Encoder encoder = toy_encoder(lists.all);
    const Model<Own::type> own(encoder);
    const Model<Prm::type> prm(encoder);
    CHECK(visited(saved(own, "own")) == "own");
    CHECK(visited(saved(own, "another name")) == "own");
    CHECK(visited(saved(own, "another name", model_file::Parts::student)) == "own");
    CHECK(visited(saved(prm, "another name")) == "prm");
    const Model<Usual::type> usual(encoder);
    CHECK_THROWS_WITH_AS(visited(saved(usual, Usual::name)),
                         doctest::Contains("metadata psad.name: found usual, wanted one of own, prm, or a model made"),
                         ModelFileError);
}
