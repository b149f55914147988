/// \file spec.hpp
/// The numbers of a model variant: one structural aggregate with designated initialisers, fit for a template
/// argument.
#pragma once

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI {

/// All are at least 1.
struct Spec {
    int width = 64;            ///< of every embedding and hidden value
    int heads = 4;             ///< of each attention layer; divides `width`
    int block = 5;             ///< K: positions filled at once; 1 = autoregressive, >= positions = all at once
    int positions = 10;        ///< L: positions of the output list that are trained
    int encoder_layers = 2;    ///< over the candidates
    int decoder_layers = 2;    ///< over the positions
    int feed_forward = 128;    ///< hidden width of a transformer layer
    int gate = 32;             ///< hidden width of the personalised gates
    int transition_rank = 32;  ///< of the teacher's transition head
    int student_hidden1 = 64;  ///< width of the first hidden layer of the student's scores
    int student_hidden2 = 32;  ///< of the second
    int student_rank = 16;     ///< of the student's transition head

    friend constexpr bool operator==(const Spec&, const Spec&) = default;

    /// Calls visit(name, number, of_student, of_teacher) for every number: whether PSAD's own student and teacher are
    /// made by it. A model file holds what its parts are made by, so that no other variant reads it.
    template <class Visit, class Self>
    static constexpr void for_each_column(Visit&& visit, Self& self) {
        visit("width", self.width, true, true);
        visit("heads", self.heads, true, true);
        visit("block", self.block, false, true);
        visit("positions", self.positions, false, true);
        visit("encoder_layers", self.encoder_layers, false, true);
        visit("decoder_layers", self.decoder_layers, false, true);
        visit("feed_forward", self.feed_forward, false, true);
        visit("gate", self.gate, true, true);
        visit("transition_rank", self.transition_rank, false, true);
        visit("student_hidden1", self.student_hidden1, true, false);
        visit("student_hidden2", self.student_hidden2, true, false);
        visit("student_rank", self.student_rank, true, false);
    }
};

}  // namespace psad
