// The few functions of ONNX Runtime's C interface that a timing needs. The npm package brings the library without a
// header; the function table keeps the index of every entry from version to version.
#pragma once

#include <dlfcn.h>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace psad::peers {

struct Bound {
    std::string name;
    float* data;
    std::vector<std::int64_t> shape;

    std::size_t count() const {
        std::size_t out = 1;
        for (const std::int64_t extent : shape) out *= static_cast<std::size_t>(extent);
        return out;
    }
};

class OnnxRuntime {
  public:
    explicit OnnxRuntime(const std::string& library, int threads = 1) : threads_(threads) {
        void* handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
        void* entry = handle ? dlsym(handle, "OrtGetApiBase") : nullptr;
        if (!entry) throw std::runtime_error(library + ": " + dlerror());
        struct Base {
            void* const* (*api)(std::uint32_t version);
            const char* (*version)();
        };
        const Base* base = reinterpret_cast<const Base* (*)()>(entry)();
        version_ = base->version();
        api_ = base->api(16);
        check(call<create_env, int, const char*, void**>(3, "psad", &env_));
        check(call<create_cpu_memory_info, int, int, void**>(1, 0, &memory_));
    }
    const std::string& version() const { return version_; }

    /// A session with all of its buffers bound, ready to run.
    class Session {
      public:
        void run() { owner_->check(owner_->call<run_with_binding, void*, void*, void*>(session_, nullptr, binding_)); }

      private:
        friend class OnnxRuntime;
        const OnnxRuntime* owner_ = nullptr;
        void* session_ = nullptr;
        void* binding_ = nullptr;
    };

    Session session(const std::string& model, const std::vector<Bound>& inputs,
                    const std::vector<Bound>& outputs) const {
        void* options = nullptr;
        check(call<create_session_options, void**>(&options));
        check(call<set_intra_op_threads, void*, int>(options, threads_));
        check(call<set_inter_op_threads, void*, int>(options, 1));
        check(call<set_optimization, void*, int>(options, 99));
        check(call<add_config, void*, const char*, const char*>(options, "session.set_denormal_as_zero", "1"));
        Session out;
        out.owner_ = this;
        check(call<create_session, void*, const char*, void*, void**>(env_, model.c_str(), options, &out.session_));
        check(call<create_binding, void*, void**>(out.session_, &out.binding_));
        for (const Bound& b : inputs)
            check(call<bind_input, void*, const char*, void*>(out.binding_, b.name.c_str(), value(b)));
        for (const Bound& b : outputs)
            check(call<bind_output, void*, const char*, void*>(out.binding_, b.name.c_str(), value(b)));
        return out;
    }

  private:
    enum Index : std::size_t {  // in struct OrtApi
        error_message = 2,
        create_env = 3,
        create_session = 7,
        create_session_options = 10,
        set_optimization = 23,
        set_intra_op_threads = 24,
        set_inter_op_threads = 25,
        create_tensor = 49,
        create_cpu_memory_info = 69,
        add_config = 130,
        run_with_binding = 133,
        create_binding = 134,
        bind_input = 136,
        bind_output = 137,
    };

    template <Index index, class... Args>
    void* call(Args... args) const {
        return reinterpret_cast<void* (*)(Args...)>(api_[index])(args...);
    }
    void check(void* status) const {
        if (status)
            throw std::runtime_error(std::string("ONNX Runtime: ") +
                                     reinterpret_cast<const char* (*)(void*)>(api_[error_message])(status));
    }
    void* value(const Bound& b) const {
        void* out = nullptr;
        check(call<create_tensor, void*, void*, std::size_t, const std::int64_t*, std::size_t, int, void**>(
            memory_, b.data, b.count() * sizeof(float), b.shape.data(), b.shape.size(), 1, &out));
        return out;
    }

    int threads_;
    std::string version_;
    void* const* api_ = nullptr;
    void* env_ = nullptr;
    void* memory_ = nullptr;
};

}  // namespace psad::peers
