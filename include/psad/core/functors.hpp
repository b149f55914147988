/// \file functors.hpp
/// Named pointwise functions with their derivatives. `f(x...)` is the value; `f.derivatives(y, x...)` is the
/// partial derivative by each x, where y = f(x...).
#pragma once

#include "psad/core/math.hpp"
#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

template <class T, int N>
struct Derivatives {
    T d[N];
};

/// Activations: functions of one number whose derivative follows from the value alone, derivative(y).
struct Identity {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T x) const {
        return x;
    }
    template <class T>
    PSAD_HOST_DEVICE T derivative(T) const {
        return T(1);
    }
};

struct Relu {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T x) const {
        return x > T(0) ? x : T(0);
    }
    template <class T>
    PSAD_HOST_DEVICE T derivative(T y) const {
        return y > T(0) ? T(1) : T(0);
    }
};

struct Sigmoid {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T x) const {
        return math::sigmoid(x);
    }
    template <class T>
    PSAD_HOST_DEVICE T derivative(T y) const {
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
    PSAD_HOST_DEVICE T derivative(T y) const {
        return y * (T(1) - y / T(2));
    }
};

struct Tanh {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T x) const {
        return T(2) * math::sigmoid(T(2) * x) - T(1);
    }
    template <class T>
    PSAD_HOST_DEVICE T derivative(T y) const {
        return T(1) - y * y;
    }
};

struct Softplus {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T x) const {
        return math::softplus(x);
    }
    template <class T>
    PSAD_HOST_DEVICE T derivative(T y) const {
        return T(1) - math::exp(-y);
    }
};

/// dx = dy times the derivative of an activation of value y.
template <class Activation>
struct TimesDerivative {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T dy, T y) const {
        return dy * Activation{}.derivative(y);
    }
};

/// Functions of several numbers.
struct Add {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T a, T b) const {
        return a + b;
    }
    template <class T>
    PSAD_HOST_DEVICE Derivatives<T, 2> derivatives(T, T, T) const {
        return {{T(1), T(1)}};
    }
};

struct Multiply {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T a, T b) const {
        return a * b;
    }
    template <class T>
    PSAD_HOST_DEVICE Derivatives<T, 2> derivatives(T, T a, T b) const {
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
    PSAD_HOST_DEVICE Derivatives<T, 3> derivatives(T, T a, T b, T) const {
        return {{b, a, T(1)}};
    }
};

/// relu(a b + c).
struct ReluMultiplyAdd {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T a, T b, T c) const {
        return Relu{}(a * b + c);
    }
    template <class T>
    PSAD_HOST_DEVICE Derivatives<T, 3> derivatives(T y, T a, T b, T) const {
        const T on = Relu{}.derivative(y);
        return {{on * b, on * a, on}};
    }
};

/// a b + c + d.
struct MultiplyAddTwo {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T a, T b, T c, T d) const {
        return a * b + c + d;
    }
    template <class T>
    PSAD_HOST_DEVICE Derivatives<T, 4> derivatives(T, T a, T b, T, T) const {
        return {{b, a, T(1), T(1)}};
    }
};

/// a + fraction (b - a).
struct Blend {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T a, T b, T fraction) const {
        return a + fraction * (b - a);
    }
    template <class T>
    PSAD_HOST_DEVICE Derivatives<T, 3> derivatives(T, T a, T b, T fraction) const {
        return {{T(1) - fraction, fraction, b - a}};
    }
};

/// a + factor b.
template <class U>
struct AddTimes {
    U factor;
    PSAD_HOST_DEVICE U operator()(U a, U b) const { return a + factor * b; }
    PSAD_HOST_DEVICE Derivatives<U, 2> derivatives(U, U, U) const { return {{U(1), factor}}; }
};

/// factor x.
template <class U>
struct Times {
    U factor;
    PSAD_HOST_DEVICE U operator()(U x) const { return factor * x; }
    PSAD_HOST_DEVICE Derivatives<U, 1> derivatives(U, U) const { return {{factor}}; }
};

/// -a b.
struct NegativeProduct {
    template <class T>
    PSAD_HOST_DEVICE T operator()(T a, T b) const {
        return -(a * b);
    }
    template <class T>
    PSAD_HOST_DEVICE Derivatives<T, 2> derivatives(T, T a, T b) const {
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
    PSAD_HOST_DEVICE Derivatives<T, 1> derivatives(T y, T) const {
        return {{Activation{}.derivative(y)}};
    }
};

}  // namespace psad
