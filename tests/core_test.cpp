#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <vector>

#include "psad/core/arena.hpp"
#include "psad/core/atomic_folder.hpp"
#include "psad/core/error.hpp"
#include "psad/core/layout.hpp"
#include "psad/core/math.hpp"
#include "psad/core/rng.hpp"
#include "psad/core/text.hpp"
#include "support/files.hpp"
#include "support/layouts.hpp"

using namespace psad;

TEST_CASE("exp: within two units in the last place, zero at minus infinity, finite at the top") {
    double worst = 0;
    for (int i = -86999; i < 88000; ++i) {
        const float x = static_cast<float>(i) * 1e-3f;
        const double wanted = std::exp(static_cast<double>(x));
        worst = (std::max)(worst, std::abs(static_cast<double>(math::exp(x)) - wanted) / wanted);
    }
    CHECK(worst < 2.4e-7);
    CHECK(math::exp(0.0f) == 1.0f);
    CHECK(math::exp(-std::numeric_limits<float>::infinity()) == 0.0f);
    CHECK(std::isfinite(math::exp(1e30f)));
}

TEST_CASE("log1p: within one unit in the last place, exact at zero, infinite at infinity") {
    double worst = 0;
    for (float x = 0; x < 3e38f; x = x * 1.001f + 1e-9f) {
        const double wanted = std::log1p(static_cast<double>(x));
        if (x > 0) worst = (std::max)(worst, std::abs(static_cast<double>(math::log1p(x)) - wanted) / wanted);
    }
    CHECK(worst < 1.2e-7);
    CHECK(math::log1p(0.0f) == 0.0f);
    CHECK(math::log1p(std::numeric_limits<float>::infinity()) == std::numeric_limits<float>::infinity());
}

TEST_CASE("ordered bits order as the numbers do; both zeros are one") {
    const float inf = std::numeric_limits<float>::infinity();
    const float rising[] = {-inf, -3e38f, -1.5f, -1e-40f, 0.0f, 1e-45f, 1e-20f, 1.0f, 1.5f, 3e38f, inf};
    for (std::size_t i = 1; i < std::size(rising); ++i)
        CHECK(math::ordered_bits(rising[i - 1]) < math::ordered_bits(rising[i]));
    CHECK(math::ordered_bits(-0.0f) == math::ordered_bits(0.0f));
}

TEST_CASE("softplus and sigmoid hold at both ends") {
    CHECK(math::softplus(1000.0f) == 1000.0f);
    CHECK(math::softplus(-1000.0f) == 0.0f);
    CHECK(math::softplus(0.0) == doctest::Approx(std::log(2.0)));
    CHECK(math::sigmoid(100.0f) == 1.0f);
    CHECK(math::sigmoid(-100.0f) < 1e-30f);
}

TEST_CASE("rng: a pure function, spread over its range, streams apart") {
    CHECK(rng::bits(1, 2) == rng::bits(1, 2));
    std::set<std::uint64_t> seen;
    double sum = 0, squares = 0, uniform = 0;
    constexpr int n = 20000;
    for (std::uint64_t i = 0; i < n; ++i) {
        seen.insert(rng::bits(1, i));
        seen.insert(rng::bits(2, i));
        const double z = rng::normal(3, i);
        sum += z;
        squares += z * z;
        const float u = rng::uniform(4, i);
        CHECK_MESSAGE((u >= 0.0f && u < 1.0f), u);
        uniform += static_cast<double>(u);
        CHECK(rng::below(5, i, 7) < 7);
    }
    CHECK(seen.size() == 2 * n);
    CHECK(std::abs(sum / n) < 0.03);
    CHECK(std::abs(squares / n - 1) < 0.04);
    CHECK(std::abs(uniform / n - 0.5) < 0.01);
}

TEST_CASE("arena: aligned, apart, kept over a reset") {
    Arena<> arena(256);
    std::vector<char*> blocks;
    for (std::size_t size : {1u, 63u, 64u, 65u, 1000u, 1u}) blocks.push_back(arena.make<char>(size));
    for (char* p : blocks) CHECK(reinterpret_cast<std::uintptr_t>(p) % 64 == 0);
    for (std::size_t i = 1; i < blocks.size(); ++i) CHECK(blocks[i] != blocks[i - 1]);
    const std::size_t warm = arena.capacity();
    arena.reset();
    CHECK(arena.make<char>(1) == blocks[0]);
    for (std::size_t size : {63u, 64u, 65u, 1000u, 1u}) arena.make<char>(size);
    CHECK(arena.capacity() == warm);
    const Arena<> moved = std::move(arena);
    CHECK(moved.capacity() == warm);
    CHECK(arena.capacity() == 0);
    std::fill_n(arena.make<char>(5000), 5000, 'x');  // memory of its own
    CHECK(arena.capacity() >= 5000);
    Arena<> small(0);
    CHECK(small.make<char>(1) != nullptr);
}

TEST_CASE("layout: offsets, owners and pairs of a jagged batch") {
    const LayoutStorage storage = test::jagged_layout();
    const Layout layout = storage.view();
    CHECK(layout.rows<Lists>() == 4);
    CHECK(layout.rows<Items>() == test::total_items);
    CHECK(layout.rows<Events>() == test::total_events);
    CHECK(layout.rows<Positions>() == test::total_positions);
    CHECK(layout.rows<Fixed<9>>() == 9);
    CHECK(layout.rows<Pairs<Items, Events>>() == 5 * 3 + 0 + 7 * 1 + 3 * 6);
    CHECK(layout.rows<Pairs<Lists, Events>>() == test::total_events);
    CHECK(layout.items.owner[5] == 1);
    CHECK(layout.items.owner[6] == 2);
    CHECK(layout.pairs<Items, Events>().offset[3] == 5 * 3 + 7);
}

TEST_CASE("axes: values meet on the finer one") {
    CHECK(std::is_same_v<finest<Lists, Items>, Items>);
    CHECK(std::is_same_v<finest<Items, Lists, Fixed<1>>, Items>);
    CHECK(std::is_same_v<finest<Fixed<1>, Lists>, Lists>);
    CHECK(std::is_same_v<finest<Events>, Events>);
}

TEST_CASE("error: says where, what was found and what was wanted") {
    const DataError e("a.tsv", "line 3", "x", "a number");
    CHECK(std::string(e.what()) == "a.tsv, line 3: found x, wanted a number");
    CHECK(e.place() == "line 3");
    CHECK(std::string(Error("f", "", "nothing", "a file").what()) == "f: found nothing, wanted a file");
}

TEST_CASE("UTF-8 is told from what is not") {
    using psad::is_text;
    for (const char* good : {"", "abc", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                             "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
                             "a\xe4\xb8\xad"
                             "b"}) {
        CHECK(is_text(good));
    }
    for (const char* bad : {"\x80", "a\xbf", "\xc0\x80", "\xc1\xbf", "\xc2",
                            "\xc2"
                            "a",
                            "\xe0\x9f\xbf", "\xe4\xb8", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf0\x90\x80",
                            "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "a\nb", "\x7f", "\x1b[31m",
                            "\xe4\xb8"
                            "a"}) {
        CHECK(!is_text(bad));
    }
}

TEST_CASE("text of a message: nothing in it steers a terminal or is half a character") {
    CHECK(printable("plain") == "plain");
    CHECK(printable("a\x1b[2J\n") == "a?[2J?");
    CHECK(printable("\xe4\xb8\xad") == "\xe4\xb8\xad");
    CHECK(printable("\xff\xe4\xb8\xad") == "????");
    CHECK(printable("abcdef", 3) == "abc...");
    CHECK(printable("ab\xe4\xb8\xad", 4) == "ab...");
    CHECK(printable("ab\xe4\xb8\xadz", 5) == "ab...");
}

TEST_CASE("a folder that appears as a whole: one writer at a time, and what a killed one left is swept") {
    const psad::test::TempFolder home;
    const auto target = home / "logs";
    const auto left = home / "logs.psad-77.tmp";
    std::filesystem::create_directory(left);  // nobody holds its lock
    {
        AtomicFolder first(target);
        CHECK(!std::filesystem::exists(left));
        psad::test::write_bytes(first.path() / "a", "1");
        CHECK_THROWS_WITH_AS(
            AtomicFolder{target},
            (target.string() + ": found another program that is writing it, wanted a target of its own").c_str(),
            FileError);
        AtomicFolder other(home / "more");
        first.commit();
    }
    CHECK(psad::test::read_bytes(target / "a") == "1");
    CHECK_THROWS_AS(AtomicFolder{target}, FileError);  // it has something in it
    CHECK(std::distance(std::filesystem::directory_iterator(home.path()), {}) == 1);
}
