// TorchScript models through LibTorch, apart from psad's headers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace psad::peers {

class TorchModule {
  public:
    /// One thread. `inputs` are the arguments of the module's forward, in their order.
    struct Input {
        float* data;
        std::vector<std::int64_t> shape;
    };
    TorchModule(const std::string& file, const std::vector<Input>& inputs);
    ~TorchModule();

    void run();
    std::vector<float> scores() const;  ///< of the last run

    static std::string version();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace psad::peers
