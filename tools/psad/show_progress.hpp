// Hooks that show how a training goes. What prints is in show_progress.cpp: nvcc does not compile fmt.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "psad/train/settings.hpp"

namespace psad::cli {

class Progress;

class ShowProgress {
  public:
    explicit ShowProgress(bool has_teacher);
    ~ShowProgress();

    template <class Trainer>
    void on_step(Trainer& trainer, const train::StepRecord& record) {
        show(trainer.state().step, trainer.total_steps(), record);
    }
    template <class Trainer>
    void on_epoch(Trainer&, const train::EpochRecord& record) {
        print(record);
    }
    /// Removes the bar.
    void clear() const;

  private:
    void show(std::int64_t step, std::int64_t last_step, const train::StepRecord& record);
    void print(const train::EpochRecord& record);

    bool has_teacher_;
    std::unique_ptr<Progress> progress_;
    std::string valid_ = "valid -";
};

}  // namespace psad::cli
