// PyTorch's training in a child process that makes steps on request.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string>

namespace psad::peers {

class TrainingPeer {
  public:
    TrainingPeer(const std::string& python, const std::string& script, const std::string& folder, int threads) {
        int answer[2], question[2];
        if (pipe(answer) != 0 || pipe(question) != 0) throw std::runtime_error("pipe: failed");
        child_ = fork();
        if (child_ == 0) {
            dup2(question[0], 0);
            dup2(answer[1], 1);
            for (const int end : {answer[0], answer[1], question[0], question[1]}) close(end);
            const std::string count = std::to_string(threads);
            execlp(python.c_str(), python.c_str(), script.c_str(), folder.c_str(), count.c_str(), nullptr);
            _exit(127);
        }
        close(answer[1]);
        close(question[0]);
        answers_ = fdopen(answer[0], "r");
        questions_ = fdopen(question[1], "w");
        difference_ = read_answer();
    }
    TrainingPeer(const TrainingPeer&) = delete;
    TrainingPeer& operator=(const TrainingPeer&) = delete;
    ~TrainingPeer() {
        std::fclose(questions_);
        std::fclose(answers_);
        waitpid(child_, nullptr, 0);
    }

    /// Largest relative difference of a step's loss from psad's.
    double difference() const { return difference_; }

    /// Milliseconds a step.
    double milliseconds(int steps) {
        std::fprintf(questions_, "%d\n", steps);
        std::fflush(questions_);
        return read_answer();
    }

  private:
    double read_answer() {
        double x = 0;
        if (std::fscanf(answers_, "%lf", &x) != 1) throw std::runtime_error("train_peer.py: no answer");
        return x;
    }

    pid_t child_ = 0;
    FILE* answers_ = nullptr;
    FILE* questions_ = nullptr;
    double difference_ = 0;
};

}  // namespace psad::peers
