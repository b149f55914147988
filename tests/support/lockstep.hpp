// A warp on the host: 32 lanes that take turns at each exchange, so that what row functors do on a card is
// tested without one.
#pragma once

#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "psad/backend/thrust/cpp.hpp"

namespace psad::test {

class Warp {
  public:
    static constexpr int lanes = 32;

    // f(lane) by every lane.
    static void run(const std::function<void(int)>& f) {
        Warp& w = the();
        w.work_ = &f;
        for (int l = 0; l < lanes; ++l) {
            w.round_[l] = 0;
            getcontext(&w.at_[l]);
            w.at_[l].uc_stack.ss_sp = w.stacks_.data() + static_cast<std::size_t>(l) * stack;
            w.at_[l].uc_stack.ss_size = stack;
            w.at_[l].uc_link = l + 1 < lanes ? &w.at_[l + 1] : &w.host_;
            makecontext(&w.at_[l], reinterpret_cast<void (*)()>(&enter), 1, l);
        }
        swapcontext(&w.host_, &w.at_[0]);
    }

    // All lanes give x and get what lane `from` gave. Ends the program if one is not with the others.
    template <class T>
    static T exchange(T x, int lane, int from) {
        static_assert(sizeof(T) <= sizeof(double));
        Warp& w = the();
        const int round = ++w.round_[lane];
        std::memcpy(&w.given_[round % 2][lane], &x, sizeof x);
        swapcontext(&w.at_[lane], &w.at_[(lane + 1) % lanes]);
        if (w.round_[from] != round && w.round_[from] != round + 1) {
            std::fprintf(stderr, "lane %d waits for lane %d, which is elsewhere\n", lane, from);
            std::abort();
        }
        std::memcpy(&x, &w.given_[round % 2][from], sizeof x);
        return x;
    }

  private:
    static constexpr std::size_t stack = std::size_t{1} << 16;

    static Warp& the() {
        static Warp warp;
        return warp;
    }
    static void enter(int lane) { (*the().work_)(lane); }

    ucontext_t host_, at_[lanes];
    std::vector<char> stacks_ = std::vector<char>(lanes * stack);
    const std::function<void(int)>* work_ = nullptr;
    int round_[lanes] = {};
    double given_[2][lanes] = {};
};

// As WarpLanes.
struct LockstepLanes {
    static constexpr int count = Warp::lanes;
    int lane;

    template <class T>
    T sum(T x) const {
        for (int step = count / 2; step > 0; step /= 2) x += Warp::exchange(x, lane, lane ^ step);
        return x;
    }
    template <class T>
    T max(T x) const {
        for (int step = count / 2; step > 0; step /= 2) {
            const T other = Warp::exchange(x, lane, lane ^ step);
            x = other > x ? other : x;
        }
        return x;
    }
    template <class T>
    T of(T x, int from) const {
        return Warp::exchange(x, lane, from);
    }
    void sync() const { Warp::exchange(0, lane, lane); }
};

struct LockstepSystem : backend::ThrustCppSystem {
    template <class F>
    void for_each_row(int count, F f) const {
        for (int i = 0; i < count; ++i) Warp::run([&](int lane) { f(i, LockstepLanes{lane}); });
    }
};

template <class T>
using Lockstep = backend::Thrust<T, LockstepSystem>;

}  // namespace psad::test
