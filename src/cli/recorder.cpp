#include "cli/recorder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace crossfade::cli {

namespace {

constexpr std::string_view masked = "*****";

// A whole body as a stream, with the problem that ended it.
class WholeBody final : public net::BodyReader {
 public:
  WholeBody(std::string body, std::optional<Error> problem) : body_(std::move(body)), problem_(std::move(problem)) {}
  Task<Result<std::string>> next(TimePoint) override {
    std::string piece = std::exchange(body_, {});
    if (piece.empty() && problem_) co_return fail(*problem_);
    co_return piece;
  }
  void cancel() override {}

 private:
  std::string body_;
  std::optional<Error> problem_;
};

net::Response responseOf(const RecordedAnswer& answer, net::Headers headers, std::optional<Error> problem) {
  net::Response response{answer.status, std::move(headers), "", nullptr};
  if (answer.status / 100 == 2) {
    response.stream = std::make_unique<WholeBody>(answer.body, std::move(problem));
  } else {
    response.body = answer.body;
  }
  return response;
}

// Fields whose names say that their values are nobody's business.
bool isSecret(std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::ranges::any_of(
      std::array{"authorization", "key", "token", "secret", "password", "cookie", "credential", "signature"},
      [&](const char* word) { return name.contains(word); });
}

// A form's secret values masked.
std::string maskedForm(std::string_view form) {
  std::string shown;
  while (!form.empty()) {
    const std::string_view field = form.substr(0, form.find('&'));
    form.remove_prefix(std::min(form.size(), field.size() + 1));
    const std::size_t sign = field.find('=');
    const bool secret = sign != std::string_view::npos && isSecret(std::string(field.substr(0, sign)));
    shown += fmt::format("{}{}{}", shown.empty() ? "" : "&", field.substr(0, secret ? sign + 1 : field.size()),
                         secret ? masked : "");
  }
  return shown;
}

}  // namespace

class Recorder::Line final : public net::Transport {
 public:
  Line(Recorder& recorder, std::string origin, std::shared_ptr<net::Transport> inner)
      : recorder_(recorder), origin_(std::move(origin)), inner_(std::move(inner)) {}

  Task<Result<net::Response>> open(net::Request request, Duration timeout) override {
    // An answer that nobody compressed can be read in the record.
    net::Headers headers;
    for (const auto& [name, value] : request.headers) {
      if (name != "Accept-Encoding") headers.add(name, value);
    }
    request.headers = headers;
    if (recorder_.replaying_) co_return replayed(std::move(request));
    const TimePoint deadline = recorder_.clock_.now() + timeout;
    auto response = co_await inner_->open(request, timeout);
    if (!response) {
      recorder_.exchanges_.push_back({origin_, std::move(request), {}, response.error().message});
      co_return response;
    }
    RecordedAnswer answer{response->status, std::move(response->body)};
    std::optional<Error> problem;
    while (response->stream != nullptr && answer.body.size() < max_bytes) {
      auto piece = co_await response->stream->next(deadline);
      if (!piece) problem = piece.error();
      if (!piece || piece->empty()) break;
      answer.body += *piece;
    }
    recorder_.exchanges_.push_back({origin_, std::move(request), answer, problem ? problem->message : ""});
    co_return responseOf(answer, std::move(response->headers), std::move(problem));
  }

  Task<Result<net::Response>> send(net::Request request, Duration timeout) override {
    auto response = co_await open(std::move(request), timeout);
    if (!response || response->stream == nullptr) co_return response;
    auto body = co_await response->stream->next(TimePoint::max());
    if (!body) co_return fail(body.error());
    response->body = std::move(*body);
    response->stream = nullptr;
    co_return response;
  }

 private:
  static constexpr std::size_t max_bytes = 64 << 20;

  Result<net::Response> replayed(net::Request request) {
    if (recorder_.answers_.empty()) {
      const std::string problem = "there is no recorded answer to this request";
      recorder_.exchanges_.push_back({origin_, std::move(request), {}, problem});
      return fail(ErrorCode::unavailable, problem);
    }
    const RecordedAnswer answer = std::move(recorder_.answers_.front());
    recorder_.answers_.pop_front();
    recorder_.exchanges_.push_back({origin_, std::move(request), answer, ""});
    return responseOf(answer, {}, std::nullopt);
  }

  Recorder& recorder_;
  std::string origin_;
  std::shared_ptr<net::Transport> inner_;  // null while nothing is asked
};

void Recorder::replay(std::vector<RecordedAnswer> answers) {
  replaying_ = true;
  answers_ = {std::make_move_iterator(answers.begin()), std::make_move_iterator(answers.end())};
}

Result<std::shared_ptr<net::Transport>> Recorder::dial(const net::Origin& origin, const net::TlsOptions& tls) {
  const bool usual = origin.port == (origin.tls ? 443 : 80);
  const std::string name = fmt::format("{}://{}{}", origin.tls ? "https" : "http", origin.host,
                                       usual ? "" : fmt::format(":{}", origin.port));
  std::shared_ptr<net::Transport> inner;
  if (!replaying_) {
    if (inner_ == nullptr) return fail(ErrorCode::unavailable, "there is no network");
    auto dialled = inner_->dial(origin, tls);
    if (!dialled) return dialled;
    inner = std::move(*dialled);
  }
  return std::make_shared<Line>(*this, name, std::move(inner));
}

std::vector<std::string> describe(const Exchange& exchange) {
  const net::Request& request = exchange.request;
  const std::size_t query = request.target.find('?');
  std::string target = request.target.substr(0, query);
  if (query != std::string::npos) target += "?" + maskedForm(request.target.substr(query + 1));
  std::vector<std::string> lines{fmt::format("{} {}{}", request.method, exchange.origin, target)};
  bool form = false;
  for (const auto& [name, value] : request.headers) {
    lines.push_back(fmt::format("{}: {}", name, isSecret(name) ? masked : value));
    form = form || value == "application/x-www-form-urlencoded";
  }
  if (!request.body.empty()) lines.push_back(form ? maskedForm(request.body) : request.body);
  return lines;
}

}  // namespace crossfade::cli
