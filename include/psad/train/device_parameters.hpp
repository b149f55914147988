/// \file device_parameters.hpp
/// The parameters that training changes, where the device reads and writes them.
#pragma once

#include <memory>

#include "psad/autograd/parameters.hpp"

namespace psad::inline PSAD_ABI::train {

/// A model's own parameters where the device's memory is the host's, else a copy on the device.
template <class B>
class DeviceParameters {
    using T = typename B::Scalar;
    using Memory = typename B::Memory;

  public:
    DeviceParameters(const B& backend, Parameters<T>& model) : backend_(&backend), model_(&model) {
        if constexpr (!Memory::on_host)
            copy_ = std::const_pointer_cast<Parameters<T, Memory>>(on_device(backend, model));
    }
    Parameters<T, Memory>& operator*() {
        if constexpr (Memory::on_host)
            return *model_;
        else
            return *copy_;
    }
    /// Copies them into the model.
    void download() {
        if constexpr (!Memory::on_host) {
            backend_->download(copy_->dense.data(), model_->dense.size() * sizeof(T), model_->dense.data());
            backend_->download(copy_->tables.data(), model_->tables.size() * sizeof(T), model_->tables.data());
        }
    }
    /// Copies the model's numbers to the device, after the host has changed them.
    void upload() {
        if constexpr (!Memory::on_host) {
            backend_->upload(model_->dense.data(), model_->dense.size() * sizeof(T), copy_->dense.data());
            backend_->upload(model_->tables.data(), model_->tables.size() * sizeof(T), copy_->tables.data());
        }
    }

  private:
    const B* backend_;
    Parameters<T>* model_;
    std::shared_ptr<Parameters<T, Memory>> copy_;
};

}  // namespace psad::train
