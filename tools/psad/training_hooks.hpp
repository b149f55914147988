// Hooks of a training: they show how it goes, and keep the best model so far. What prints is in training_hooks.cpp:
// nvcc does not compile fmt.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "psad/model/psad_model.hpp"
#include "psad/train/best_model.hpp"
#include "psad/train/settings.hpp"

namespace psad::cli {

class Progress;

/// A bar while an epoch goes on, a line behind it.
class ShowProgress {
  public:
    explicit ShowProgress(bool has_teacher);
    ~ShowProgress();

    void show_step(std::int64_t step, std::int64_t last_step, const train::StepRecord& record);
    void show_epoch(const train::EpochRecord& record);
    /// Removes the bar.
    void clear() const;

  private:
    bool has_teacher_;
    std::unique_ptr<Progress> progress_;
    std::string valid_ = "valid -";
};

template <class Network>
class TrainingHooks {
  public:
    /// Writes the model and the report of an epoch that is better than all before; with Try::yes it finds out whether
    /// that will be possible.
    enum class Try { yes, no };
    using Keep = std::function<void(const Model<Network>&, const train::Report&, Try)>;

    explicit TrainingHooks(Keep keep) : keep_(std::move(keep)), progress_(HasTeacher<Network>) {}

    template <class Trainer>
    void on_step(Trainer& trainer, const train::StepRecord& record) {
        if (trainer.state().step == 1) keep_(train::best_model(trainer), trainer.state().report, Try::yes);
        progress_.show_step(trainer.state().step, trainer.total_steps(), record);
    }
    template <class Trainer>
    void on_epoch(Trainer& trainer, const train::EpochRecord& record) {
        progress_.clear();
        const train::Report& report = trainer.state().report;
        if (report.best_student_epoch == record.epoch || report.best_teacher_epoch == record.epoch)
            keep_(train::best_model(trainer), report, Try::no);
        progress_.show_epoch(record);
    }
    /// Removes the bar.
    void clear() const { progress_.clear(); }

  private:
    Keep keep_;
    ShowProgress progress_;
};

}  // namespace psad::cli
