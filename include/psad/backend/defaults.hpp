/// \file defaults.hpp
/// Compound operations spelled in a backend's own primitives. A backend inherits them and overrides what it
/// can do faster.
#pragma once

#include <cstddef>
#include <cstring>

#include "psad/backend/default_kernels.hpp"
#include "psad/backend/operand.hpp"
#include "psad/core/functors.hpp"
#include "psad/core/layout.hpp"

namespace psad::inline PSAD_ABI {

template <class Self, class T>
class BackendDefaults {
  public:
    /// out = act(start + the sum of x w over the factors), where row r of `start` is start.row(r) through its
    /// own index or stride; a null start counts as zero.
    template <class Act, int Factors>
    void affine(const Factor<T> (&factors)[Factors], Operand<T> start, Act act, Matrix<T> out) const {
        if (start.data) self().template map<false>(Identity{}, out, start);
        bool accumulate = start.data != nullptr;
        for (const auto& [x, w] : factors) {
            self().gemm(x, w, out, accumulate);
            accumulate = true;
        }
        if constexpr (!std::is_same_v<Act, Identity>) {
            self().template map<false>(act, out, Operand<T>{out.data, out.stride});
        }
    }

    /// y = (x - mean) / deviation * weight + bias, row by row; the normalised rows and 1 / deviation (one per
    /// row) are kept for the derivative where they are given.
    void layer_norm(Matrix<const T> x, const T* weight, const T* bias, Matrix<T> y, Matrix<T> normalized,
                    T* inv_std) const {
        self().for_each(x.rows, default_kernels::LayerNormRow<T>{x, weight, bias, y, normalized, inv_std});
    }

    /// Adds the derivative of layer_norm by x to dx.
    void layer_norm_backward(Matrix<const T> dy, const T* weight, Matrix<const T> normalized, const T* inv_std,
                             Matrix<T> dx) const {
        self().for_each(dy.rows, default_kernels::LayerNormRowBackward<T>{dy, weight, normalized, inv_std, dx});
    }

    /// out = softmax(scale q k^T) v for every head (columns side by side) and list; query row r sees the
    /// first key_length[r] keys of its list, all of them when null. `take(count)` allocates scratch numbers.
    template <class Take>
    void attention_forward(Matrix<const T> q, Matrix<const T> k, Matrix<const T> v, int heads, T scale,
                           PairLayout pairs, const int* key_length, Take take, Matrix<T> out) const {
        const int head = q.cols / heads;
        T* const weights = take(static_cast<std::size_t>(pairs.rows));
        self().for_each_row(out.rows, default_kernels::FillRow<T>{out, 0});
        for (int at = 0; at < q.cols; at += head) {
            self().pair_dot(q.columns(at, head), k.columns(at, head), pairs, scale, weights, false);
            self().pair_softmax(weights, pairs, key_length);
            self().pair_apply(weights, v.columns(at, head), pairs, out.columns(at, head));
        }
    }

    /// The same for training: the weights of every head, [heads x pairs], are kept for the derivative.
    void attention_forward_train(Matrix<const T> q, Matrix<const T> k, Matrix<const T> v, int heads, T scale,
                                 PairLayout pairs, const int* key_length, T* weights, Matrix<T> out) const {
        const int head = q.cols / heads;
        self().for_each_row(out.rows, default_kernels::FillRow<T>{out, 0});
        for (int at = 0; at < q.cols; at += head, weights += pairs.rows) {
            self().pair_dot(q.columns(at, head), k.columns(at, head), pairs, scale, weights, false);
            self().pair_softmax(weights, pairs, key_length);
            self().pair_apply(weights, v.columns(at, head), pairs, out.columns(at, head));
        }
    }

    /// Adds the derivative of attention to those of dq, dk and dv that are not empty.
    template <class Take>
    void attention_backward(const T* weights, Matrix<const T> dout, Matrix<const T> q, Matrix<const T> k,
                            Matrix<const T> v, int heads, T scale, PairLayout pairs, Take take, Matrix<T> dq,
                            Matrix<T> dk, Matrix<T> dv) const {
        const int head = q.cols / heads;
        T* const dlogits = take(static_cast<std::size_t>(pairs.rows));
        for (int at = 0; at < q.cols; at += head, weights += pairs.rows) {
            const Matrix<const T> d = dout.columns(at, head);
            if (dv) self().pair_apply_transposed(weights, d, pairs, dv.columns(at, head));
            self().pair_dot(d, v.columns(at, head), pairs, T(1), dlogits, false);
            self().pair_softmax_backward(weights, dlogits, pairs, scale);
            if (dq) self().pair_apply(dlogits, k.columns(at, head), pairs, dq.columns(at, head));
            if (dk) self().pair_apply_transposed(dlogits, q.columns(at, head), pairs, dk.columns(at, head));
        }
    }

    /// c += a b^T. `take(count)` allocates scratch numbers.
    template <class Take>
    void gemm_nt(Matrix<const T> a, Matrix<const T> b, Matrix<T> c, Take take) const {
        const Matrix<T> transposed{take(static_cast<std::size_t>(b.rows) * static_cast<std::size_t>(b.cols)), b.cols,
                                   b.rows, b.rows};
        self().transpose(b, transposed);
        self().gemm(a, transposed, c, true);
    }

    /// Runs background() and work(), which are independent of each other, and returns when both are done. One
    /// after the other here; a device that computes beside the host overlaps them.
    template <class Background, class Work>
    void beside(Background background, Work work) const {
        background();
        work();
    }

    /// f(row, first, step) takes the columns first, first + step, ... of a row; all of them here.
    template <class F>
    void for_each_row(int count, F f) const {
        self().for_each(count, default_kernels::WholeRow<F>{f});
    }

    /// out[r] = the sum over the sources of the mean of the table rows of bag r; nothing for an empty bag.
    void embed(const BagSource<T>* sources, int count, Matrix<T> out) const {
        self().for_each_row(out.rows, default_kernels::FillRow<T>{out, 0});
        for (int i = 0; i < count; ++i) self().for_each(out.rows, default_kernels::AddBagMean<T>{sources[i], out});
    }

    /// to = from transposed.
    void transpose(Matrix<const T> from, Matrix<T> to) const {
        self().for_each_row(to.rows, default_kernels::TransposedRow<T>{from, to});
    }

    /// Sets count numbers to value.
    void fill(T* out, int count, T value) const { self().for_each(count, default_kernels::Fill<T>{out, value}); }

    /// Copies bytes of the host to the device and back, done when the call returns. A device whose memory is not
    /// the host's has its own.
    void upload(const void* from, std::size_t bytes, void* to) const { copy(from, bytes, to); }
    void download(const void* from, std::size_t bytes, void* to) const { copy(from, bytes, to); }

  private:
    static void copy(const void* from, std::size_t bytes, void* to) {
        static_assert(Self::Memory::on_host, "psad: a device with memory of its own brings upload and download");
        if (bytes > 0) std::memcpy(to, from, bytes);
    }
    const Self& self() const { return static_cast<const Self&>(*this); }
};

}  // namespace psad
