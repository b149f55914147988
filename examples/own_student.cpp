// A student of your own: any type that meets psad::Scorer learns from the teacher, is saved, loaded and served like
// PSAD-S.
//   own_student [DATA [MODEL]]
#include <cstdio>
#include <exception>
#include <psad/psad.hpp>

namespace {

// A wide and a deep part (Cheng et al., DLRS 2016): a linear model and a perceptron of candidate and user, added.
template <int Width>
class WideAndDeep {
  public:
    static constexpr int width = Width;
    static constexpr const char* name = "wide and deep";

    WideAndDeep(const psad::Scope& scope, const psad::Embeddings<width>& embeddings)
        : embeddings_(embeddings), hidden_(scope / "hidden"), deep_(scope / "deep"), wide_(scope / "wide") {}

    // What needs no candidate: one row per list, which a server may keep for its user.
    template <class Ctx, class T>
    auto user_state(Ctx& ctx, const psad::Inputs<T>& in) const {
        return embeddings_.profile(ctx, in);
    }
    // One number per candidate. A row per list meets the rows of its candidates in map().
    template <class Ctx, class T, class User>
    auto score(Ctx& ctx, const psad::Inputs<T>& in, const User& user) const {
        const auto item = psad::map(ctx, psad::Add{}, embeddings_.items(ctx, in), user);
        return psad::Scores{psad::map(ctx, psad::Add{}, deep_(ctx, hidden_(ctx, item)), wide_(ctx, item))};
    }

  private:
    psad::Embeddings<width> embeddings_;
    psad::nn::Linear<width, 2 * width, psad::Relu> hidden_;
    psad::nn::Linear<2 * width, 1> deep_;
    psad::nn::Linear<width, 1> wide_;
};

constexpr psad::Spec spec{.width = 32, .encoder_layers = 1, .decoder_layers = 1, .feed_forward = 64};
using Mine = psad::Psad<spec, psad::student::Of<WideAndDeep<spec.width>>>;

}  // namespace

int main(int argc, char** argv) try {
    const auto films = psad::data::read_lists(argc > 1 ? argv[1] : "data/movietweetings-ci");
    const char* file = argc > 2 ? argv[2] : "own_student.safetensors";
    const psad::backend::Cpu<float> cpu(0);
    const auto trained = psad::fit<Mine>(cpu, films, {.epochs = 3});  // teacher and student together
    psad::model_file::save(file, trained.model, "own", psad::model_file::Parts::student);

    const auto model = psad::model_file::load<psad::StudentOf<Mine>>(file);
    const psad::serve::Reranker reranker(cpu, model);
    auto workspace = reranker.workspace();
    for (const int i : reranker(films.request(films.test, 100), workspace, 5).order) std::printf("candidate %d\n", i);
} catch (const std::exception& e) {
    std::fprintf(stderr, "own_student: %s\n", e.what());
    return 1;
}
