/// \file spec.hpp
/// The numbers of a model variant: one structural aggregate with designated initialisers, fit for a template
/// argument.
#pragma once

namespace psad {

struct Spec {
    int width = 64;          ///< of every embedding and hidden value
    int heads = 4;           ///< of each attention layer
    int block = 5;           ///< K: places filled at once; 1 = autoregressive, >= slots = non-autoregressive
    int slots = 10;          ///< L: places of the output list that are trained
    int encoder_layers = 2;  ///< over the candidates
    int decoder_layers = 2;  ///< over the places
    int feed_forward = 128;  ///< hidden width of a transformer layer
    int gate = 32;           ///< hidden width of the personalised gates
    int transition_rank = 32;  ///< of the teacher's transition head
    int student_hidden1 = 64;  ///< the student's scorer
    int student_hidden2 = 32;
    int student_rank = 16;  ///< of the student's transition head

    friend constexpr bool operator==(const Spec&, const Spec&) = default;
};

}  // namespace psad
