/// \file usual_names.hpp
/// What teams call their columns.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>

#include "psad/core/version.hpp"

namespace psad::inline PSAD_ABI::data::detail {

using NameList = std::span<const std::string_view>;

/// Names of columns as teams give them, the likeliest first.
namespace usual {
inline constexpr std::string_view id[]{"request_id", "query_id",      "qid",      "search_id",     "srch_id",
                                       "list_id",    "impression_id", "slate_id", "session_query", "page_id",
                                       "list",       "query",         "id",       "session_id"};
inline constexpr std::string_view user[]{"user_id",    "user",        "userid",    "uid",
                                         "visitor_id", "customer_id", "member_id", "account_id"};
inline constexpr std::string_view time[]{"ts",        "time",      "timestamp", "request_time", "event_time",
                                         "date_time", "unix_time", "datetime",  "date",         "created_at"};
inline constexpr std::string_view surely_time[]{"ts", "timestamp", "request_time", "unix_time"};
inline constexpr std::string_view weight[]{"weight", "list_weight", "sample_weight", "request_weight"};
inline constexpr std::string_view item[]{"item_id",    "item",        "sku",      "product_id", "product",
                                         "doc_id",     "document_id", "video_id", "movie_id",   "article_id",
                                         "news_id",    "asin",        "hotel_id", "prop_id",    "docid",
                                         "listing_id", "content_id",  "iid",      "song_id",    "id"};
inline constexpr std::string_view position[]{"position", "pos", "shown_position", "display_position", "rank", "slot"};
inline constexpr std::string_view propensity[]{"propensity", "examination", "exam_prob"};
inline constexpr std::string_view grade[]{"label", "grade", "relevance", "relevance_label", "rel", "target", "y"};
inline constexpr std::string_view gain[]{"gain", "utility", "reward"};
inline constexpr std::string_view kind[]{"type", "kind", "event_type", "event", "action", "feedback", "action_type"};
inline constexpr std::string_view candidates[]{"candidates", "items",   "impressions", "docs",
                                               "documents",  "results", "products",    "list"};
inline constexpr std::string_view history[]{"history", "events", "past", "user_history", "clicks"};
// Kinds of feedback.
inline constexpr std::string_view purchase[]{"purchase",    "purchased",  "buy",      "bought",
                                             "order",       "ordered",    "booking",  "booking_bool",
                                             "is_purchase", "conversion", "converted"};
inline constexpr std::string_view interest[]{"cart",  "add_to_cart", "is_cart", "like", "liked",   "follow",
                                             "share", "comment",     "forward", "save", "wishlist"};
inline constexpr std::string_view click[]{"click", "clicked", "is_click", "is_clicked", "click_bool", "clk"};
}  // namespace usual

/// What one of a kind of feedback is worth where no grade says it.
inline double usual_worth(std::string_view name) {
    const auto is_one_of = [&](NameList names) { return std::ranges::count(names, name) > 0; };
    return is_one_of(usual::purchase) ? 7 : is_one_of(usual::interest) ? 3 : is_one_of(usual::click) ? 1 : 0;
}

}  // namespace psad::data::detail
