/// \file concept.hpp
/// What a device must offer. Everything above is written in these terms and never asks which device it is.
#pragma once

#include <concepts>
#include <cstddef>
#include <type_traits>

#include "psad/backend/operand.hpp"
#include "psad/core/functors.hpp"
#include "psad/core/layout.hpp"
#include "psad/core/matrix.hpp"

namespace psad::inline PSAD_ABI {

namespace backend_detail {
struct NoWork {
    PSAD_HOST_DEVICE void operator()(int) const {}
};
template <class B>
using Mat = Matrix<typename B::Scalar>;
template <class B>
using ConstMat = Matrix<const typename B::Scalar>;
template <class B>
using Numbers = typename B::Scalar*;
template <class Member>
struct ClassOf;
template <class C, class F>
struct ClassOf<F C::*> {
    using type = C;
};
}  // namespace backend_detail

/// Memory: `Memory::allocate(bytes)` and `Memory::release(pointer)`; `Memory::on_host` says whether the host
/// may touch it. upload(from, bytes, to) and download(from, bytes, to) carry bytes of the host there and
/// back.
template <class B>
concept HasMemory = requires(const B b, void* p) {
    typename B::Scalar;
    typename B::Memory;
    { B::Memory::allocate(std::size_t{}) } -> std::same_as<void*>;
    B::Memory::release(p);
    { B::Memory::on_host } -> std::convertible_to<bool>;
    b.upload(p, std::size_t{}, p);
    b.download(p, std::size_t{}, p);
};

/// for_each(count, f): f(0) ... f(count - 1) on the device, independent of each other, in any order.
/// parallel(count, f): the same on the host, for large tasks that use the backend themselves.
template <class B>
concept HasForEach = requires(const B b) {
    b.for_each(0, backend_detail::NoWork{});
    b.parallel(0, backend_detail::NoWork{});
};

/// gemm(a, b, c, accumulate): c = a b, or c += a b. gemm_tn: the same with a^T b.
template <class B>
concept HasGemm = requires(const B b, backend_detail::ConstMat<B> in, backend_detail::Mat<B> out) {
    b.gemm(in, in, out, true);
    b.gemm_tn(in, in, out, true);
};

/// map<Accumulate>(f, out, operands...): out = f(operands...) or out += f(operands...), element by element.
template <class B>
concept HasMap = requires(const B b, backend_detail::Mat<B> out, Operand<typename B::Scalar> in) {
    b.template map<false>(Identity{}, out, in);
    b.template map<true>(Add{}, out, in, in);
};

/// column_sums(x, out): out[c] += sum over rows. row_sums(x, out): out[r] += sum over columns.
/// sum_squares(x, count) returns the sum, added up in an order that depends on count alone.
template <class B>
concept HasReductions = requires(const B b, backend_detail::ConstMat<B> in, backend_detail::Numbers<B> out) {
    b.column_sums(in, out);
    b.row_sums(in, out);
    { b.sum_squares(out, std::size_t{}) } -> std::convertible_to<double>;
};

/// segment_sums(x, segments, out): out[l] += sum of the rows of list l. segment_max(x, segments, out, from):
/// out[l] = the largest of those rows per column, 0 for an empty list; from[l] = the row that it stands in, -1 for an
/// empty list; `from` [lists x columns] may be null.
template <class B>
concept HasSegments = requires(const B b, backend_detail::ConstMat<B> in, Jagged rows, backend_detail::Mat<B> out,
                               int* from) {
    b.segment_sums(in, rows, out);
    b.segment_max(in, rows, out, from);
};

/// gather(sources, out): out[r] = the sum over the sources of table[index[r]], nothing where that is
/// negative. scatter_add(x, index, out): out[index[r]] += x[r],
/// added up in an order that depends on the index alone.
template <class B>
concept HasGather = requires(const B b, backend_detail::ConstMat<B> in, const int* index, backend_detail::Mat<B> out,
                             const RowSource<typename B::Scalar> (&sources)[2]) {
    b.gather(sources, out);
    b.scatter_add(in, index, out);
};

/// Matrices of (query, key) pairs, one per list, as a PairLayout says:
/// pair_dot(query, key, pairs, scale, p, accumulate): p[q,k] = scale query[q] . key[k], added to p if `accumulate`;
/// pair_apply(p, value, pairs, out): out[q] += sum_k p[q,k] value[k];
/// pair_apply_transposed(p, value, pairs, out): out[k] += sum_q p[q,k] value[q].
template <class B>
concept HasPairs = requires(const B b, backend_detail::ConstMat<B> in, PairLayout pairs, backend_detail::Mat<B> out,
                            backend_detail::Numbers<B> p, typename B::Scalar scale) {
    b.pair_dot(in, in, pairs, scale, p, true);
    b.pair_apply(p, in, pairs, out);
    b.pair_apply_transposed(p, in, pairs, out);
};

/// pair_softmax(p, pairs, key_length): softmax of each query's row in place; query q sees its first key_length[q]
/// keys (all of them when null), the others become 0. pair_softmax_backward(p, dp, pairs, scale): dp becomes
/// `scale` times the derivative by the logits.
template <class B>
concept HasSoftmax = requires(const B b, PairLayout pairs, backend_detail::Numbers<B> p, const int* key_length,
                              typename B::Scalar scale) {
    b.pair_softmax(p, pairs, key_length);
    b.pair_softmax_backward(p, p, pairs, scale);
};

/// A device that models, training and generation can run on.
template <class B>
concept Backend = HasMemory<B> && HasForEach<B> && HasGemm<B> && HasMap<B> && HasReductions<B> && HasSegments<B> &&
    HasGather<B> && HasPairs<B> && HasSoftmax<B>;

/// Whether `Self` itself declares all of these member functions: an override of BackendDefaults with a misspelt name
/// would leave the default in place without a word.
template <class Self, class... Member>
constexpr bool declared_by(Member...) {
    return (std::is_same_v<Self, typename backend_detail::ClassOf<Member>::type> && ...);
}

/// How many lists to work on at once: on the host so many as the caller found fastest, on a device with memory of its
/// own enough that each kernel fills it.
template <class B>
constexpr std::size_t lists_at_once(std::size_t on_host) {
    return B::Memory::on_host ? on_host : 1024;
}

}  // namespace psad
