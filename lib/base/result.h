#pragma once
// Result<T> and Status: the one way in which a call says that it failed. Values, usable from any
// thread. Shaped like std::expected, which g++ 12 does not have in C++20 mode.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace cdb {

// What kind of failure. One file maps these to gRPC codes (coordinator/rpc/status.cc) and one to
// exit codes of the command (cli/exit_code.cc); base/retry.h says which are worth a retry.
enum class Code {
  Invalid,         // the caller's input is wrong; the same call will never succeed
  NotFound,        // the named object does not exist
  Conflict,        // the object exists already, or changed underneath
  Precondition,    // the input is right, the state forbids it now
  Denied,          // the caller may not do this, or did not say who they are
  Unavailable,     // a part that is needed did not answer; nothing was changed
  Deadline,        // the deadline passed; nothing was changed
  OutcomeUnknown,  // it may or may not have happened: look before trying again
  Cancelled,       // the caller gave up
  Internal,        // our own fault or a broken environment
};

std::string_view to_string(Code code);

// What is wrong with one field of a request: "resources[2].spec.flavor".
struct FieldError {
  std::string field{};
  std::string message{};
  std::string hint{};
  friend bool operator==(const FieldError&, const FieldError&) = default;
};

// `message`: lower case, no full stop, names the object. `hint`: what a person can do, or empty.
struct Error {
  Code code{Code::Internal};
  std::string message{};
  std::string hint{};
  std::vector<FieldError> fields{};  // with Invalid, where fields can be named

  // The same error with "context: " put before the message.
  [[nodiscard]] Error in(std::string_view context) const;
  // "message (hint: ...)": for logs and for people.
  [[nodiscard]] std::string text() const;
  friend bool operator==(const Error&, const Error&) = default;
};

Error invalid(std::string message, std::string hint = {});
// One error for all of these fields; `fields` is not empty.
Error invalid_fields(std::vector<FieldError> fields);
Error not_found(std::string message, std::string hint = {});
Error conflict(std::string message, std::string hint = {});
Error precondition(std::string message, std::string hint = {});
Error denied(std::string message, std::string hint = {});
Error unavailable(std::string message, std::string hint = {});
Error deadline_exceeded(std::string message, std::string hint = {});
Error outcome_unknown(std::string message, std::string hint = {});
Error cancelled(std::string message, std::string hint = {});
Error internal(std::string message, std::string hint = {});
// "what: strerror(errno_value)"; ENOSPC and the like get a hint.
Error from_errno(std::string_view what, int errno_value);

[[noreturn]] void broken_invariant(const char* what, const char* file, int line);
// Our own promises, checked in release builds too. Never for data from outside.
#define CDB_INVARIANT(condition) \
  ((condition) ? void(0) : ::cdb::broken_invariant(#condition, __FILE__, __LINE__))

template <typename T>
class [[nodiscard]] Result {
 public:
  using value_type = T;
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }
  T& value() & { return checked(), std::get<0>(state_); }
  const T& value() const& { return checked(), std::get<0>(state_); }
  T&& value() && { return checked(), std::get<0>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T value_or(T fallback) const& { return ok() ? value() : std::move(fallback); }
  const Error& error() const {
    CDB_INVARIANT(!ok());
    return std::get<1>(state_);
  }

 private:
  void checked() const {
    if (!ok()) broken_invariant(std::get<1>(state_).message.c_str(), __FILE__, __LINE__);
  }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  using value_type = void;
  Result() = default;
  Result(Error error) : error_(std::move(error)), ok_(false) {}
  [[nodiscard]] bool ok() const { return ok_; }
  explicit operator bool() const { return ok_; }
  const Error& error() const {
    CDB_INVARIANT(!ok_);
    return error_;
  }

 private:
  Error error_{};
  bool ok_{true};
};

using Status = Result<void>;

// Leaves the enclosing function with the error of `expression`, if it has one.
#define CDB_TRY(expression)                                                                 \
  do {                                                                                      \
    if (auto cdb_try_status = (expression); !cdb_try_status) return cdb_try_status.error(); \
  } while (false)

#define CDB_CONCAT_INNER(a, b) a##b
#define CDB_CONCAT(a, b) CDB_CONCAT_INNER(a, b)
// `CDB_ASSIGN_OR_RETURN(auto x, f());`: declares x from the value, or leaves with the error.
#define CDB_ASSIGN_OR_RETURN(declaration, expression) \
  CDB_ASSIGN_OR_RETURN_IMPL(CDB_CONCAT(cdb_result_, __LINE__), declaration, expression)
#define CDB_ASSIGN_OR_RETURN_IMPL(result, declaration, expression) \
  auto result = (expression);                                      \
  if (!result) return result.error();                              \
  declaration = std::move(result).value()

}  // namespace cdb
