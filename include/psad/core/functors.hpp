/// \file functors.hpp
/// Named pointwise functions with their derivatives. `f(x...)` is the value; `f.slopes(y, x...)` fills an
/// array with the partial derivative by each x, where y = f(x...).
#pragma once

#include "psad/core/config.hpp"
#include "psad/core/math.hpp"

namespace psad {

template <class T, int N>
struct Slopes {
    T d[N];
};

/// Activations: functions of one number whose slope follows from the value alone.
struct Identity {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T x) const {
        return x;
    }
    template <class T>
    PSAD_HOST_DEVICE T slope(T) const {
        return T(1);
    }
};

struct Relu {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T x) const {
        return x > T(0) ? x : T(0);
    }
    template <class T>
    PSAD_HOST_DEVICE T slope(T y) const {
        return y > T(0) ? T(1) : T(0);
    }
};

struct Sigmoid {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T x) const {
        return math::sigmoid(x);
    }
    template <class T>
    PSAD_HOST_DEVICE T slope(T y) const {
        return y * (T(1) - y);
    }
};

/// 2 sigmoid(x): a gate that is neutral at 0 (PEPNet, KDD 2023).
struct TwoSigmoid {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T x) const {
        return T(2) * math::sigmoid(x);
    }
    template <class T>
    PSAD_HOST_DEVICE T slope(T y) const {
        return y * (T(1) - y / T(2));
    }
};

struct Tanh {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T x) const {
        return T(2) * math::sigmoid(T(2) * x) - T(1);
    }
    template <class T>
    PSAD_HOST_DEVICE T slope(T y) const {
        return T(1) - y * y;
    }
};

struct Softplus {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T x) const {
        return math::softplus(x);
    }
    template <class T>
    PSAD_HOST_DEVICE T slope(T y) const {
        return T(1) - math::exp(-y);
    }
};

/// The derivative by an activation's argument, from that by its value y.
template <class Activation>
struct TimesSlope {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T dy, T y) const {
        return dy * Activation{}.slope(y);
    }
};

/// Functions of several numbers.
struct Add {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T a, T b) const {
        return a + b;
    }
    template <class T>
    PSAD_HOST_DEVICE Slopes<T, 2> slopes(T, T, T) const {
        return {{T(1), T(1)}};
    }
};

struct Multiply {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T a, T b) const {
        return a * b;
    }
    template <class T>
    PSAD_HOST_DEVICE Slopes<T, 2> slopes(T, T a, T b) const {
        return {{b, a}};
    }
};

/// a b + c.
struct MultiplyAdd {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T a, T b, T c) const {
        return a * b + c;
    }
    template <class T>
    PSAD_HOST_DEVICE Slopes<T, 3> slopes(T, T a, T b, T) const {
        return {{b, a, T(1)}};
    }
};

/// a b + c + d.
struct MultiplyAddTwo {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T a, T b, T c, T d) const {
        return a * b + c + d;
    }
    template <class T>
    PSAD_HOST_DEVICE Slopes<T, 4> slopes(T, T a, T b, T, T) const {
        return {{b, a, T(1), T(1)}};
    }
};

/// a + share (b - a).
struct Blend {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T a, T b, T share) const {
        return a + share * (b - a);
    }
    template <class T>
    PSAD_HOST_DEVICE Slopes<T, 3> slopes(T, T a, T b, T share) const {
        return {{T(1) - share, share, b - a}};
    }
};

/// a + factor b.
template <class U>
struct AddTimes {
    U factor;
    PSAD_HOST_DEVICE U operator()(U a, U b) const { return a + factor * b; }
    PSAD_HOST_DEVICE Slopes<U, 2> slopes(U, U, U) const { return {{U(1), factor}}; }
};

/// factor x.
template <class U>
struct Times {
    U factor;
    PSAD_HOST_DEVICE U operator()(U x) const { return factor * x; }
    PSAD_HOST_DEVICE Slopes<U, 1> slopes(U, U) const { return {{factor}}; }
};

/// -a b.
struct NegativeProduct {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T a, T b) const {
        return -(a * b);
    }
    template <class T>
    PSAD_HOST_DEVICE Slopes<T, 2> slopes(T, T a, T b) const {
        return {{-b, -a}};
    }
};

/// An activation as a pointwise function of one number.
template <class Activation>
struct Activate {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T x) const {
        return Activation{}(x);
    }
    template <class T>
    PSAD_HOST_DEVICE Slopes<T, 1> slopes(T y, T) const {
        return {{Activation{}.slope(y)}};
    }
};

}  // namespace psad
