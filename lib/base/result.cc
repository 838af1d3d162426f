#include "lib/base/result.h"

#include <cerrno>
#include <cstring>

namespace cdb {

std::string_view to_string(Code code) {
  switch (code) {
    case Code::Invalid: return "invalid";
    case Code::NotFound: return "not_found";
    case Code::Conflict: return "conflict";
    case Code::Precondition: return "precondition";
    case Code::Denied: return "denied";
    case Code::Unavailable: return "unavailable";
    case Code::Deadline: return "deadline";
    case Code::OutcomeUnknown: return "outcome_unknown";
    case Code::Cancelled: return "cancelled";
    case Code::Internal: return "internal";
  }
  return "internal";
}

Error Error::in(std::string_view context) const {
  return Error{code, std::string(context) + ": " + message, hint, fields};
}

std::string Error::text() const {
  return hint.empty() ? message : message + " (hint: " + hint + ")";
}

Error invalid(std::string message, std::string hint) {
  return {Code::Invalid, std::move(message), std::move(hint), {}};
}
Error invalid_fields(std::vector<FieldError> fields) {
  CDB_INVARIANT(!fields.empty());
  std::string message = fields.front().field + ": " + fields.front().message;
  if (fields.size() > 1) message += " (and " + std::to_string(fields.size() - 1) + " more)";
  std::string hint = fields.front().hint;
  return {Code::Invalid, std::move(message), std::move(hint), std::move(fields)};
}
Error not_found(std::string message, std::string hint) {
  return {Code::NotFound, std::move(message), std::move(hint), {}};
}
Error conflict(std::string message, std::string hint) {
  return {Code::Conflict, std::move(message), std::move(hint), {}};
}
Error precondition(std::string message, std::string hint) {
  return {Code::Precondition, std::move(message), std::move(hint), {}};
}
Error denied(std::string message, std::string hint) {
  return {Code::Denied, std::move(message), std::move(hint)};
}
Error unavailable(std::string message, std::string hint) {
  return {Code::Unavailable, std::move(message), std::move(hint), {}};
}
Error deadline_exceeded(std::string message, std::string hint) {
  return {Code::Deadline, std::move(message), std::move(hint), {}};
}
Error outcome_unknown(std::string message, std::string hint) {
  return {Code::OutcomeUnknown, std::move(message), std::move(hint), {}};
}
Error cancelled(std::string message, std::string hint) {
  return {Code::Cancelled, std::move(message), std::move(hint), {}};
}
Error internal(std::string message, std::string hint) {
  return {Code::Internal, std::move(message), std::move(hint), {}};
}

Error from_errno(std::string_view what, int errno_value) {
  std::string message = std::string(what) + ": " + std::strerror(errno_value);
  switch (errno_value) {
    case ENOENT: return not_found(std::move(message));
    case EEXIST: return conflict(std::move(message));
    case EACCES:
    case EPERM: return precondition(std::move(message), "check owner and mode of the path");
    case ENOSPC:
    case EDQUOT: return unavailable(std::move(message), "free some space on that filesystem");
    case EADDRINUSE: return conflict(std::move(message), "another process listens there");
    default: return internal(std::move(message));
  }
}

void broken_invariant(const char* what, const char* file, int line) {
  std::fprintf(stderr, "broken invariant: %s at %s:%d\n", what, file, line);
  std::abort();
}

}  // namespace cdb
