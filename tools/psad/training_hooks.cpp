#include "training_hooks.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "output.hpp"
#include "progress.hpp"

namespace psad::cli {

ShowProgress::ShowProgress(bool has_teacher) : has_teacher_(has_teacher), progress_(std::make_unique<Progress>()) {}
ShowProgress::~ShowProgress() = default;

void ShowProgress::clear() const {
    progress_->clear();
}

void ShowProgress::show_step(std::int64_t step, std::int64_t last_step, const train::StepRecord& record) {
    progress_->show(step, last_step, fmt::format("loss {:.3f}  {}", record.loss, valid_));
}

void ShowProgress::show_epoch(const train::EpochRecord& e) {
    progress_->clear();
    valid_ = fmt::format("valid {:.4f}", e.valid.student);
    print("epoch {:2}  step {:5}  loss {:.4f}", e.epoch + 1, e.step, e.mean.loss);
    if (has_teacher_) {
        print(" (teacher {:.4f}, student {:.4f}, distillation {:.4f})", e.mean.teacher, e.mean.student,
              e.mean.distillation);
    }
    print("  validation NDCG@10: student {:.4f}", e.valid.student);
    if (has_teacher_) print(", teacher {:.4f}", e.valid.teacher);
    print("\n");
    std::fflush(stdout);
}

}  // namespace psad::cli
