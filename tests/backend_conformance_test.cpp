// One suite for every backend: each primitive against the reference, in float and double, over jagged
// batches.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>
#include <vector>

#include "psad/backend/reference.hpp"
#include "psad/core/rng.hpp"
#include "support/devices.hpp"
#include "support/layouts.hpp"

using namespace psad;
using namespace psad::test;

namespace {

template <class T>
struct Grid {
    std::vector<T> numbers;
    Matrix<T> m;

    Grid(int rows, int cols, std::uint64_t key, int spare = 0)
        : numbers(static_cast<std::size_t>(rows * (cols + spare))), m{numbers.data(), rows, cols, cols + spare} {
        for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<T>(rng::normal(key, i));
    }
    Grid(const Grid& other) : numbers(other.numbers), m(other.m) { m.data = numbers.data(); }
    Matrix<const T> in() const { return m; }
};

template <class T>
void check_same(const std::vector<T>& found, const std::vector<T>& wanted, double scale = 1) {
    REQUIRE(found.size() == wanted.size());
    const double tolerance = (sizeof(T) == 4 ? 2e-5 : 1e-13) * scale;
    double worst = 0;
    for (std::size_t i = 0; i < found.size(); ++i) {
        const double gap = std::abs(static_cast<double>(found[i]) - static_cast<double>(wanted[i]));
        const double relative = gap / (1.0 + std::abs(static_cast<double>(wanted[i])));
        if (std::isnan(relative) || relative > worst) worst = relative;
    }
    CHECK(worst <= tolerance);
}

// Room for numbers, as operations ask for it; what stood there is not theirs.
template <class T>
auto taking_from(std::vector<T>& scratch) {
    return [&scratch](std::size_t numbers) {
        scratch.assign(numbers, T(7));
        return scratch.data();
    };
}

// Queries that see their first key at least, if there is one, and seldom all.
std::vector<int> some_keys(const PairLayout& pairs) {
    std::vector<int> key_length(static_cast<std::size_t>(pairs.queries));
    for (int i = 0; i < pairs.queries; ++i) {
        const int l = pairs.query_owner[i], n = pairs.key_end[l] - pairs.key_begin[l];
        key_length[static_cast<std::size_t>(i)] = n == 0 ? 0 : 1 + i % n;
    }
    return key_length;
}

struct CountCalls {
    int* of;
    PSAD_HOST_DEVICE void operator()(int i) const { ++of[i]; }
};

struct CountColumns {
    int* of;
    int columns;
    PSAD_HOST_DEVICE void operator()(int row, int first, int step) const {
        for (int c = first; c < columns; c += step) ++of[row * columns + c];
    }
};

constexpr int sizes[] = {1, 2, 3, 5, 6, 7, 16, 17, 31, 33, 64, 67, 130};

/// Whether this processor has what the device's kernels need.
template <class Device>
bool runs_here() {
    if constexpr (requires { Device::runs_here(); })
        return Device::runs_here();
    else
        return true;
}

}  // namespace

TEST_CASE_TEMPLATE("conformance", Device, PSAD_TEST_DEVICES(float), PSAD_TEST_DEVICES(double) PSAD_TEST_MORE) {
    using T = typename Device::Scalar;
    if (!runs_here<Device>()) {
        MESSAGE("SKIPPED: this processor lacks what the kernels need");
        return;
    }
    const backend::Reference<T> reference;
    const Device device{};

    SUBCASE("gemm and gemm_tn over all tile edges, with strides") {
        for (const int rows : {1, 2, 5, 6, 7, 13, 25}) {
            for (const int depth : {1, 3, 16, 65}) {
                for (const int cols : sizes) {
                    const Grid<T> a(rows, depth, 1, 3), b(depth, cols, 2, 2), at(depth, rows, 3, 1);
                    for (const bool accumulate : {false, true}) {
                        Grid<T> c(rows, cols, 4, 1), d(c);
                        device.gemm(a.in(), b.in(), c.m, accumulate);
                        reference.gemm(a.in(), b.in(), d.m, accumulate);
                        check_same(c.numbers, d.numbers, 10);
                        device.gemm_tn(at.in(), b.in(), c.m, accumulate);
                        reference.gemm_tn(at.in(), b.in(), d.m, accumulate);
                        check_same(c.numbers, d.numbers, 10);
                    }
                }
            }
        }
    }
    SUBCASE("attention of several heads against its parts, with hidden keys, empty lists and strides") {
        const std::vector<int> query_begin{0, 1, 6, 6, 9}, query_end{1, 6, 6, 9, 79};
        const std::vector<int> key_begin{0, 7, 8, 20, 20}, key_end{7, 8, 20, 20, 53}, offset{0, 7, 12, 12, 12};
        std::vector<int> owner(79);
        for (int l = 0; l < 5; ++l) {
            for (int r = query_begin[static_cast<std::size_t>(l)]; r < query_end[static_cast<std::size_t>(l)]; ++r)
                owner[static_cast<std::size_t>(r)] = l;
        }
        const int count = 12 + 70 * 33;
        const PairLayout pairs{5,
                               count,
                               query_begin.data(),
                               query_end.data(),
                               owner.data(),
                               key_begin.data(),
                               key_end.data(),
                               offset.data(),
                               79,
                               53};
        std::vector<int> key_length(79);
        for (std::size_t r = 0; r < key_length.size(); ++r) {
            const auto l = static_cast<std::size_t>(owner[r]);
            const int n = key_end[l] - key_begin[l];
            key_length[r] = static_cast<int>(r) % (n + 1);
        }
        for (const auto& [heads, width] : {std::pair(4, 64), std::pair(2, 64), std::pair(1, 5), std::pair(4, 32)}) {
            const Grid<T> q(79, width, 1, 3), k(53, width, 2, 1), v(53, width, 3);
            for (const int* seen : {static_cast<const int*>(nullptr), static_cast<const int*>(key_length.data())}) {
                Grid<T> found(79, width, 4, 2), wanted(found);
                std::vector<T> scratch;
                const auto take = taking_from(scratch);
                device.attention_forward(q.in(), k.in(), v.in(), heads, T(0.4), pairs, seen, take, found.m);
                reference.attention_forward(q.in(), k.in(), v.in(), heads, T(0.4), pairs, seen, take, wanted.m);
                check_same(found.numbers, wanted.numbers, 10);
                // A broken number stays one.
                Grid<T> broken(q);
                broken.m(20, 1) = std::numeric_limits<T>::quiet_NaN();
                device.attention_forward(broken.in(), k.in(), v.in(), heads, T(0.4), pairs, nullptr, take, found.m);
                CHECK(std::isnan(found.m(20, 1)));
            }
        }
    }
    SUBCASE("attention that keeps its weights, and its derivative") {
        LayoutStorage storage = jagged_layout();
        for (const int n : {16, 33, 70}) storage.add(n, n + 1, 3);
        const Layout layout = storage.view();
        for (const PairLayout pairs :
             {layout.pairs<Items, Events>(), layout.pairs<Lists, Events>(), layout.pairs<Positions, Items>()}) {
            const std::vector<int> key_length = some_keys(pairs);
            for (const auto& shape : {std::pair(4, 64), std::pair(1, 64), std::pair(1, 5), std::pair(2, 80)}) {
                const int heads = shape.first, width = shape.second;  // no bindings: clang 14 does not capture them
                const Grid<T> q(pairs.queries, width, 1, 3), k(pairs.keys, width, 2, 1), v(pairs.keys, width, 3),
                    d(pairs.queries, width, 4, 2);
                const int* seen = heads == 1 ? key_length.data() : nullptr;
                Grid<T> p(pairs.rows, heads, 5), out(pairs.queries, width, 6, 1), dq(q), dk(k), dv(v);
                for (int r = 0; r < pairs.queries; ++r)  // written, not added to
                    std::fill_n(out.m.row(r), width, std::numeric_limits<T>::quiet_NaN());
                Grid<T> p2(p), out2(out), dq2(q), dk2(k), dv2(v);
                std::vector<T> scratch;
                const auto take = taking_from(scratch);
                const auto both = [&](auto f) {
                    f(device, p, out, dq, dk, dv);
                    f(reference, p2, out2, dq2, dk2, dv2);
                    for (const auto& [found, wanted] :
                         {std::pair(&p, &p2), std::pair(&out, &out2), std::pair(&dq, &dq2), std::pair(&dk, &dk2),
                          std::pair(&dv, &dv2)})
                        check_same(found->numbers, wanted->numbers, 20);
                };
                both([&](const auto& on, auto& weights, auto& to, auto& by_q, auto& by_k, auto& by_v) {
                    on.attention_forward_train(q.in(), k.in(), v.in(), heads, T(0.4), pairs, seen,
                                               weights.numbers.data(), to.m);
                    on.attention_backward(weights.numbers.data(), d.in(), q.in(), k.in(), v.in(), heads, T(0.4), pairs,
                                          take, by_q.m, by_k.m, by_v.m);
                });
                both([&](const auto& on, auto& weights, auto&, auto& by_q, auto&, auto& by_v) {
                    on.attention_backward(weights.numbers.data(), d.in(), q.in(), k.in(), v.in(), heads, T(0.4), pairs,
                                          take, by_q.m, Matrix<T>{}, Matrix<T>{});
                    on.attention_backward(weights.numbers.data(), d.in(), q.in(), k.in(), v.in(), heads, T(0.4), pairs,
                                          take, Matrix<T>{}, Matrix<T>{}, by_v.m);
                });
            }
        }
    }
    SUBCASE("keys of no list stay as they are") {
        const std::vector<int> query_begin{0, 2}, query_end{2, 5}, owner{0, 0, 1, 1, 1}, key_begin{1, 6}, key_end{4, 8},
            offset{0, 6};
        const PairLayout pairs{
            2, 12, query_begin.data(), query_end.data(), owner.data(), key_begin.data(), key_end.data(), offset.data(),
            5, 10};
        const Grid<T> p(12, 1, 1), d(5, 4, 2), k(10, 4, 3);
        Grid<T> a(10, 4, 4), b(a), c(a);
        device.pair_apply_transposed(p.numbers.data(), d.in(), pairs, a.m);
        reference.pair_apply_transposed(p.numbers.data(), d.in(), pairs, b.m);
        check_same(a.numbers, b.numbers);
        std::vector<T> scratch;
        const auto take = taking_from(scratch);
        device.attention_backward(p.numbers.data(), d.in(), d.in(), k.in(), k.in(), 1, T(1), pairs, take, Matrix<T>{},
                                  Matrix<T>{}, c.m);
        check_same(c.numbers, b.numbers);
    }
    SUBCASE("gemm by a transposed matrix") {
        for (const int rows : {1, 7, 25}) {
            for (const int depth : {1, 16, 65}) {
                for (const int cols : sizes) {
                    const Grid<T> a(rows, depth, 1, 3), b(cols, depth, 2, 2);
                    Grid<T> c(rows, cols, 4, 1), d(c);
                    std::vector<T> scratch;
                    const auto take = taking_from(scratch);
                    device.gemm_nt(a.in(), b.in(), c.m, take);
                    reference.gemm_nt(a.in(), b.in(), d.m, take);
                    check_same(c.numbers, d.numbers, 10);
                }
            }
        }
    }
    SUBCASE("for_each_row takes each column once") {
        std::vector<int> visits(300, 0);
        device.for_each_row(5, CountColumns{visits.data(), 60});
        CHECK(std::all_of(visits.begin(), visits.end(), [](int n) { return n == 1; }));
    }
    SUBCASE("gemm of no rows and no depth") {
        const Grid<T> a(0, 4, 1), b(4, 3, 2), none(3, 0, 3), wide(0, 5, 4);
        Grid<T> c(0, 3, 5), d(3, 5, 6);
        device.gemm(a.in(), b.in(), c.m, false);
        device.gemm(none.in(), wide.in(), d.m, false);
        CHECK(std::all_of(d.numbers.begin(), d.numbers.end(), [](T x) { return x == T(0); }));
    }
    SUBCASE("affine: one product or several; start rows through a stride, an index, or none") {
        const std::vector<int> owner{0, 0, 1, 2, 2, 2, 3};
        for (const int cols : {1, 5, 16, 40, 64}) {
            const Grid<T> x(7, 9, 1), w(9, cols, 2), rows(4, cols, 3), narrow(7, 1, 5), v(1, cols, 6, 1),
                u(9, cols, 7, 2);
            const Factor<T> one[] = {{x.in(), w.in()}}, two[] = {{x.in(), w.in()}, {narrow.in(), v.in()}},
                            strided[] = {{x.in(), w.in()}, {x.in(), u.in()}};
            const Operand<T> starts[] = {
                {nullptr, 0}, {rows.numbers.data(), 0}, {rows.numbers.data(), cols, owner.data()}};
            for (const auto& start : starts) {
                Grid<T> y(7, cols, 4), z(y);
                device.affine(one, start, Relu{}, y.m);
                reference.affine(one, start, Relu{}, z.m);
                check_same(y.numbers, z.numbers, 10);
                device.affine(two, start, Sigmoid{}, y.m);
                reference.affine(two, start, Sigmoid{}, z.m);
                check_same(y.numbers, z.numbers, 10);
                device.affine(strided, start, Identity{}, y.m);
                reference.affine(strided, start, Identity{}, z.m);
                check_same(y.numbers, z.numbers, 10);
            }
        }
    }
    SUBCASE("map: full rows, repeated rows, indexed rows, one number per row; written and added") {
        const std::vector<int> owner{2, 0, 0, 1, 2};
        for (const int cols : sizes) {
            const Grid<T> x(5, cols, 1), y(3, cols, 2), narrow(5, 1, 3), one(1, 1, 4);
            Grid<T> a(5, cols, 5), b(a);
            const auto both = [&](auto accumulate, auto f, auto... in) {
                device.template map<accumulate>(f, a.m, in...);
                reference.template map<accumulate>(f, b.m, in...);
                check_same(a.numbers, b.numbers);
            };
            const Operand<T> full{x.numbers.data(), cols}, row{y.numbers.data(), 0},
                indexed{y.numbers.data(), cols, owner.data()};
            const Operand<T, true> per_row{narrow.numbers.data(), 1}, number{one.numbers.data(), 0};
            both(std::false_type{}, Add{}, full, row);
            both(std::true_type{}, Multiply{}, full, indexed);
            both(std::false_type{}, MultiplyAdd{}, per_row, full, number);
            both(std::true_type{}, Activate<Sigmoid>{}, full);
            both(std::false_type{}, Activate<Softplus>{}, full);
        }
    }
    SUBCASE("map in place") {
        Grid<T> a(6, 33, 1), b(a);
        device.template map<false>(Activate<TwoSigmoid>{}, a.m, Operand<T>{a.numbers.data(), 33});
        reference.template map<false>(Activate<TwoSigmoid>{}, b.m, Operand<T>{b.numbers.data(), 33});
        check_same(a.numbers, b.numbers);
    }
    SUBCASE("reductions") {
        for (const int cols : sizes) {
            const Grid<T> x(11, cols, 1, 2);
            Grid<T> a(1, cols, 2), b(a), c(11, 1, 3), d(c);
            device.column_sums(x.in(), a.numbers.data());
            reference.column_sums(x.in(), b.numbers.data());
            check_same(a.numbers, b.numbers);
            device.row_sums(x.in(), c.numbers.data());
            reference.row_sums(x.in(), d.numbers.data());
            check_same(c.numbers, d.numbers, 10);
        }
        const Grid<T> tall(700, 3, 1, 2);
        Grid<T> e(1, 3, 2), f(e);
        device.column_sums(tall.in(), e.numbers.data());
        reference.column_sums(tall.in(), f.numbers.data());
        check_same(e.numbers, f.numbers, 100);
        for (const int n : {0, 1, 100, 4095, 4097, 20000}) {
            const Grid<T> x(n, 1, 6);
            const double wanted = reference.sum_squares(x.numbers.data(), x.numbers.size());
            CHECK(device.sum_squares(x.numbers.data(), x.numbers.size()) == doctest::Approx(wanted).epsilon(1e-5));
        }
    }
    SUBCASE("segments, an empty one among them") {
        const LayoutStorage storage = jagged_layout();
        const Jagged events = storage.view().events;
        for (const int cols : {1, 3, 33}) {
            const Grid<T> x(total_events, cols, 1);
            Grid<T> a(total_lists, cols, 2), b(a);
            std::vector<int> from(static_cast<std::size_t>(total_lists * cols)), wanted_from(from);
            device.segment_sums(x.in(), events, a.m);
            reference.segment_sums(x.in(), events, b.m);
            check_same(a.numbers, b.numbers);
            device.segment_max(x.in(), events, a.m, from.data());
            reference.segment_max(x.in(), events, b.m, wanted_from.data());
            check_same(a.numbers, b.numbers);
            CHECK(from == wanted_from);
            device.segment_max(x.in(), events, b.m, nullptr);
            check_same(a.numbers, b.numbers);
            const Grid<T> level(x.m.rows, cols, 0);  // the first of equals
            std::fill_n(level.m.data, level.numbers.size(), T(1));
            device.segment_max(level.in(), events, a.m, from.data());
            reference.segment_max(level.in(), events, b.m, wanted_from.data());
            CHECK(from == wanted_from);
        }
    }
    SUBCASE("embed: means of bags, of one value and of none") {
        const std::vector<int> bounds{0, 2, 2, 3, 6}, ids{1, 3, 0, 2, 2, 1}, single{3, 3, 0, 1};
        for (const int cols : sizes) {
            const Grid<T> x(4, cols, 1), y(4, cols, 2);
            const BagSource<T> sources[] = {{x.numbers.data(), {bounds.data(), ids.data()}},
                                            {y.numbers.data(), {nullptr, single.data()}}};
            Grid<T> a(4, cols, 3, 2), b(a);
            device.embed(sources, 2, a.m);
            reference.embed(sources, 2, b.m);
            check_same(a.numbers, b.numbers);
            std::vector<BagSource<T>> many(19, sources[1]);
            many[3] = many[11] = sources[0];
            device.embed(many.data(), 19, a.m);
            reference.embed(many.data(), 19, b.m);
            check_same(a.numbers, b.numbers, 10);
        }
    }
    SUBCASE("transpose") {
        for (const int rows : sizes) {
            for (const int cols : sizes) {
                const Grid<T> x(rows, cols, 1, 3);
                Grid<T> a(cols, rows, 2, 1), b(a);
                device.transpose(x.in(), a.m);
                reference.transpose(x.in(), b.m);
                check_same(a.numbers, b.numbers);
            }
        }
    }
    SUBCASE("gather and scatter_add with repeated and negative rows, of one source or several") {
        const std::vector<int> index{3, 0, -1, 3, 3, 2}, other{1, -1, 2, 0, 3, 3};
        const Grid<T> table(4, 19, 1), x(6, 19, 2);
        Grid<T> a(6, 19, 3), b(a), c(4, 19, 4), d(c);
        const RowSource<T> one[] = {{table.in(), index.data()}};
        const RowSource<T> more[] = {one[0], {x.in(), nullptr, true}, {table.in(), other.data()}};
        device.gather(one, a.m);
        reference.gather(one, b.m);
        check_same(a.numbers, b.numbers);
        device.gather(more, a.m);
        reference.gather(more, b.m);
        check_same(a.numbers, b.numbers);
        device.scatter_add(x.in(), index.data(), c.m);
        reference.scatter_add(x.in(), index.data(), d.m);
        check_same(c.numbers, d.numbers);

        for (const int n : {700, 20000}) {
            const Grid<T> many(n, 5, 7);
            std::vector<int> to(static_cast<std::size_t>(n));
            for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<int>(rng::derive(9, i) % 5) - 1;
            Grid<T> e(5, 5, 8), f(e);  // the last row is nobody's
            device.scatter_add(many.in(), to.data(), e.m.row_range(0, 4));
            reference.scatter_add(many.in(), to.data(), f.m.row_range(0, 4));
            check_same(e.numbers, f.numbers, n == 700 ? 20 : 200);
        }
    }
    SUBCASE("pairs and their softmax") {
        LayoutStorage storage = jagged_layout();
        for (const int n : {16, 17, 33, 50, 64, 70}) storage.add(n, n + 1, 3);  // rows of several vectors
        const Layout layout = storage.view();
        for (const PairLayout pairs : {layout.pairs<Items, Events>(), layout.pairs<Lists, Events>(),
                                       layout.pairs<Positions, Items>(), layout.pairs<Items, Items>()}) {
            for (const int cols : {1, 8, 17, 64, 150}) {
                const Grid<T> q(pairs.queries, cols, 1, 2), k(pairs.keys, cols, 2, 1);
                Grid<T> p(pairs.rows, 1, 3), r(p);
                for (const bool accumulate : {false, true}) {
                    device.pair_dot(q.in(), k.in(), pairs, T(0.25), p.numbers.data(), accumulate);
                    reference.pair_dot(q.in(), k.in(), pairs, T(0.25), r.numbers.data(), accumulate);
                    check_same(p.numbers, r.numbers, 10);
                }
                const std::vector<int> key_length = some_keys(pairs);
                device.pair_softmax(p.numbers.data(), pairs, cols == 8 ? key_length.data() : nullptr);
                reference.pair_softmax(r.numbers.data(), pairs, cols == 8 ? key_length.data() : nullptr);
                check_same(p.numbers, r.numbers, 10);
                Grid<T> dp(pairs.rows, 1, 4), dr(dp);
                device.pair_softmax_backward(p.numbers.data(), dp.numbers.data(), pairs, T(2));
                reference.pair_softmax_backward(r.numbers.data(), dr.numbers.data(), pairs, T(2));
                check_same(dp.numbers, dr.numbers, 10);
                Grid<T> out_q(pairs.queries, cols, 5), want_q(out_q), out_k(pairs.keys, cols, 6), want_k(out_k);
                device.pair_apply(p.numbers.data(), k.in(), pairs, out_q.m);
                reference.pair_apply(r.numbers.data(), k.in(), pairs, want_q.m);
                check_same(out_q.numbers, want_q.numbers, 10);
                device.pair_apply_transposed(p.numbers.data(), q.in(), pairs, out_k.m);
                reference.pair_apply_transposed(r.numbers.data(), q.in(), pairs, want_k.m);
                check_same(out_k.numbers, want_k.numbers, 10);
            }
        }
    }
    SUBCASE("layer norm and its derivative") {
        for (const int cols : {2, 16, 64, 70}) {
            const Grid<T> x(5, cols, 1), gain(1, cols, 2), shift(1, cols, 3), dy(5, cols, 4);
            Grid<T> y(5, cols, 5), y2(y), normal(y), normal2(y), dx(y), dx2(y), rate(5, 1, 6), rate2(rate);
            device.layer_norm(x.in(), gain.numbers.data(), shift.numbers.data(), y.m, normal.m, rate.numbers.data());
            reference.layer_norm(x.in(), gain.numbers.data(), shift.numbers.data(), y2.m, normal2.m,
                                 rate2.numbers.data());
            check_same(y.numbers, y2.numbers, 10);
            check_same(normal.numbers, normal2.numbers, 10);
            std::fill(y.numbers.begin(), y.numbers.end(), T(0));  // nothing kept for the derivative
            device.layer_norm(x.in(), gain.numbers.data(), shift.numbers.data(), y.m, {}, nullptr);
            check_same(y.numbers, y2.numbers, 10);
            device.layer_norm_backward(dy.in(), gain.numbers.data(), normal.in(), rate.numbers.data(), dx.m);
            reference.layer_norm_backward(dy.in(), gain.numbers.data(), normal2.in(), rate2.numbers.data(), dx2.m);
            check_same(dx.numbers, dx2.numbers, 20);
        }
    }
    SUBCASE("upload and download carry all bytes") {
        const Grid<T> x(9, 7, 1);
        Grid<T> there(9, 7, 2), back(9, 7, 3);
        const std::size_t bytes = x.numbers.size() * sizeof(T);
        device.upload(x.numbers.data(), bytes, there.numbers.data());
        device.download(there.numbers.data(), bytes, back.numbers.data());
        CHECK(back.numbers == x.numbers);
        device.download(x.numbers.data(), bytes, there.numbers.data());
        CHECK(there.numbers == x.numbers);
    }
    SUBCASE("for_each and parallel touch every index once") {
        std::vector<int> visits(1000, 0);
        const CountCalls count{visits.data()};
        device.for_each(1000, count);
        device.parallel(1000, count);
        CHECK(std::all_of(visits.begin(), visits.end(), [](int n) { return n == 2; }));
    }
    SUBCASE("fill") {
        Grid<T> x(3, 7, 1);
        device.fill(x.numbers.data(), 21, T(4));
        CHECK(std::all_of(x.numbers.begin(), x.numbers.end(), [](T v) { return v == T(4); }));
    }
}
