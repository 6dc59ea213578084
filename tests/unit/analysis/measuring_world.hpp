// AnalysisRuns in a world of their own: an API server that keeps them, backends that answer as they are told, and a
// controller of nothing but AnalysisRuns, which can be killed around any of its writes. All under the virtual clock.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "analysis/measurer.hpp"
#include "kube/cache.hpp"
#include "kube/work_queue.hpp"
#include "support/virtual_clock.hpp"

namespace crossfade::analysis {

// What a backend answers to one query.
struct Answer {
  std::string value = "1";
  Duration latency = milliseconds(20);
};

class MeasuringWorld {
 public:
  static constexpr std::string_view address = "http://backend";  // of metrics

  MeasuringWorld() { start(); }
  ~MeasuringWorld() {
    end();
    loop.kill();
  }

  // Metric of this name that asks the backend for a query of the same name; `more` are members, each after a comma.
  static std::string metric(std::string_view name, std::string_view more = {}) {
    return fmt::format(R"({{"name":"{0}","successCondition":"result[0] > 0","failureCondition":"result[0] < 0",)"
                       R"("provider":{{"prometheus":{{"address":"{1}","query":"{0}"}}}}{2}}})",
                       name, address, more);
  }
  void create(const std::string& name, const std::string& metrics, std::string_view more = {}) {
    json::object run = json::parse(fmt::format(R"({{"metadata":{{"namespace":"ns","name":"{0}","uid":"uid-{0}"}},)"
                                               R"("spec":{{"metrics":[{1}]{2}}}}})",
                                               name, metrics, more))
                           .get_object();
    store(std::move(run));
  }
  void patch(const std::string& name, std::string_view body) {
    json::value run = objects.at(name);
    mergePatch(run, json::parse(body));
    store(std::move(run.get_object()));
  }
  void remove(const std::string& name) {
    const json::object gone = objects.at(name);
    objects.erase(name);
    if (program) program->cache.remove(gone);
  }

  // Lets time pass; a controller that was killed is followed by a new one after a second.
  void run(Duration duration) {
    const TimePoint until = loop.time().now() + duration;
    loop.settle();
    while (true) {
      if (program && program->dead) {
        end();
        loop.run(std::min<Duration>(seconds(1), until - loop.time().now()));
        start();
      }
      if (!loop.stepUntil(until)) break;
    }
    loop.time().advanceTo(until);
  }
  // Until every run is complete.
  void runToTheEnd(Duration limit = hours(2)) {
    const TimePoint until = loop.time().now() + limit;
    while (loop.time().now() < until && !std::ranges::all_of(objects, [](const auto& one) {
             return api::isCompletedPhase(getString(one.second, {"status", "phase"}));
           }))
      run(seconds(1));
  }

  std::string status(const std::string& name, std::string_view member = "phase") const {
    return std::string(getString(objects.at(name), {"status", member}));
  }
  api::AnalysisRun decoded(const std::string& name) const { return api::decodeAnalysisRun(objects.at(name)); }
  // Seconds since the world began, of each request for this query.
  std::vector<double> asked(const std::string& query) const {
    const auto found = requests.find(query);
    return found == requests.end() ? std::vector<double>() : found->second;
  }
  // Seconds since the world began.
  double now() const { return std::chrono::duration<double>(loop.time().now() - began).count(); }

  void start() {
    program = std::make_unique<Program>(*this);
    for (const auto& [name, object] : objects) program->cache.apply(object);
    program->queue.start();
  }
  void end() {
    if (!program) return;
    loop.kill(*program->clock);
    program.reset();
    loop.settle();
  }

  test::VirtualLoop loop;
  const TimePoint began = loop.time().now();
  std::map<std::string, json::object> objects;  // runs, by name
  std::map<std::string, Answer> answers;        // by query
  std::map<std::string, json::object> secrets;  // by name
  std::map<std::string, std::vector<double>> requests;
  std::vector<json::value> patches;
  std::vector<std::string> events;  // reason and message
  std::set<std::string> job_calls;  // "POST name", "DELETE name"
  std::string job = "{}";           // as the server tells of any
  int job_questions = 0;
  Duration watch_delay = milliseconds(5);
  int writes = 0;
  // The controller dies around this write (counted from 1), before the server has carried it out or after.
  int kill_at = 0;
  bool kill_after = false;
  // Writes to runs fail so while it is set; `lose` carries them out all the same.
  std::function<std::optional<Error>()> refuse;
  std::function<bool(std::size_t bytes)> limit;  // whether a written object is too large
  bool lose = false;

 private:
  void store(json::object object) {
    const std::string name(getString(object, {"metadata", "name"}));
    object["metadata"].get_object()["resourceVersion"] = std::to_string(++version_);
    objects[name] = object;
    loop.clock().callAt(loop.time().now() + watch_delay, [this, object] {
      if (program) program->cache.apply(object);
    });
  }

  struct Program;

  // The API server as one program sees it.
  class Server : public net::Transport {
   public:
    Server(MeasuringWorld& world, Program& program) : world_(world), program_(program) {}
    Task<Result<net::Response>> send(net::Request request, Duration) override { return answer(std::move(request)); }
    Task<Result<net::Response>> open(net::Request request, Duration) override { return answer(std::move(request)); }

   private:
    static net::Response status(int code, std::string_view reason, std::string_view message) {
      net::Response response;
      response.status = code;
      response.body =
          json::serialize(json::object{{"kind", "Status"}, {"reason", reason}, {"code", code}, {"message", message}});
      return response;
    }
    Task<Result<net::Response>> answer(net::Request request) {
      MeasuringWorld& world = world_;
      Program& program = program_;
      co_await sleepFor(*program.clock, milliseconds(2));
      const bool writes = request.method != "GET";
      if (writes) ++world.writes;
      const bool dies = writes && world.kill_at == world.writes;
      if (dies && !world.kill_after) co_return co_await die(world, program);
      Result<net::Response> response = world.serve(request);
      if (dies) co_return co_await die(world, program);
      co_return response;
    }
    static Task<Result<net::Response>> die(MeasuringWorld& world, Program& program) {
      world.kill_at = 0;
      program.dead = true;
      co_await sleepUntil(*program.clock, TimePoint::max());
      co_return fail(ErrorCode::cancelled, "dead");
    }
    MeasuringWorld& world_;
    Program& program_;
  };

  Result<net::Response> serve(const net::Request& request) {
    net::Response response;
    const std::string path = request.target.substr(0, request.target.find('?'));
    const std::string name = path.substr(path.rfind('/') + 1);
    if (path.contains("/secrets/")) {
      if (!secrets.contains(name)) return missing("secrets", name);
      response.body = json::serialize(secrets.at(name));
      return response;
    }
    if (path.contains("/jobs")) {
      job_calls.insert(request.method + " " +
                       (request.method == "POST"
                            ? std::string(getString(json::parse(request.body).get_object(), {"metadata", "name"}))
                            : name));
      response.status = request.method == "POST" ? 201 : 200;
      if (request.method == "GET") ++job_questions;
      response.body = request.method == "POST" ? request.body : job;
      return response;
    }
    if (!objects.contains(name)) return missing("analysisruns.argoproj.io", name);
    if (request.method == "DELETE") {
      remove(name);
      response.body = "{}";
      return response;
    }
    const std::optional<Error> refused = refuse ? refuse() : std::nullopt;
    if (refused && !lose) return fail(*refused);
    json::value body = json::parse(request.body);
    const std::string wanted(getString(body.get_object(), {"metadata", "resourceVersion"}));
    if (!wanted.empty() && wanted != getString(objects.at(name), {"metadata", "resourceVersion"})) {
      response.status = 409;
      response.body = R"({"kind":"Status","reason":"Conflict","code":409,"message":"the object has been modified"})";
      return response;
    }
    json::value run = objects.at(name);
    mergePatch(run, body);
    if (limit && limit(json::serialize(run).size())) {
      response.status = 500;
      response.body = R"({"kind":"Status","code":500,"message":"etcdserver: request is too large"})";
      return response;
    }
    patches.push_back(body);
    store(std::move(run.get_object()));
    if (refused) return fail(*refused);
    response.body = json::serialize(objects.at(name));
    return response;
  }
  static net::Response missing(std::string_view kind, std::string_view name) {
    net::Response response;
    response.status = 404;
    response.body = json::serialize(json::object{{"kind", "Status"},
                                                 {"reason", "NotFound"},
                                                 {"code", 404},
                                                 {"message", fmt::format("{} \"{}\" not found", kind, name)}});
    return response;
  }

  // The metric backend as one program sees it.
  class Backend : public net::Transport {
   public:
    Backend(MeasuringWorld& world, Clock& clock) : world_(world), clock_(clock) {}
    Task<Result<net::Response>> send(net::Request request, Duration timeout) override {
      return answer(world_, clock_, std::move(request), timeout);
    }
    Task<Result<net::Response>> open(net::Request request, Duration timeout) override {
      return answer(world_, clock_, std::move(request), timeout);
    }

   private:
    static Task<Result<net::Response>> answer(MeasuringWorld& world, Clock& clock, net::Request request,
                                              Duration timeout) {
      const std::string text = request.body + "&";
      const auto from = text.find("query=") + 6;
      const std::string query = text.substr(from, text.find('&', from) - from);
      world.requests[query].push_back(world.now());
      const Answer answer = world.answers[query];
      co_await sleepFor(clock, std::min(answer.latency, timeout));
      if (answer.latency > timeout) co_return fail(ErrorCode::timeout, "no answer in time");
      net::Response response;
      response.body = fmt::format(
          R"({{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{}},"value":[0,"{}"]}}]}}}})",
          answer.value);
      co_return response;
    }
    MeasuringWorld& world_;
    Clock& clock_;
  };
  class Dialer : public net::Dialer {
   public:
    Dialer(MeasuringWorld& world, Clock& clock) : world_(world), clock_(clock) {}
    Result<std::shared_ptr<net::Transport>> dial(const net::Origin&, const net::TlsOptions&) override {
      return std::make_shared<Backend>(world_, clock_);
    }

   private:
    MeasuringWorld& world_;
    Clock& clock_;
  };

  // A controller of AnalysisRuns, wired as the real one is.
  struct Program {
    explicit Program(MeasuringWorld& world)
        : world(world),
          clock(std::make_shared<VirtualClock>(world.loop.time())),
          client(std::make_shared<Server>(world, *this), *clock, kube::Config(), "test"),
          dialer(world, *clock),
          measurer({client, dialer, *clock, "", ""}, world.loop.executor(),
                   [this](const std::string& key, TimePoint when) { queue.addAt(key, when); }),
          queue(world.loop.executor(), *clock, 64, [this](std::string key) { return reconcile(std::move(key)); }) {
      cache.addListener([this](const auto& before, const auto& now) {
        if (now == nullptr) measurer.forget(before->metadata);
        queue.add((now != nullptr ? now : before)->metadata.key());
      });
    }
    Task<kube::WorkQueue::Outcome> reconcile(std::string key) {
      const auto run = cache.find(key);
      if (run == nullptr) co_return kube::WorkQueue::Outcome();
      ++passes;
      const Reconciled done =
          co_await measurer.reconcile(run, [this](const json::object& object) { cache.observe(object); });
      for (const EventNote& event : done.events) world.events.push_back(event.reason + ": " + event.message);
      kube::WorkQueue::Outcome outcome;
      outcome.failed = done.error.has_value();
      if (done.look_again) outcome.again_after = std::max(*done.look_again - clock->now(), Duration(0));
      co_return outcome;
    }

    MeasuringWorld& world;
    std::shared_ptr<VirtualClock> clock;
    kube::Client client;
    Dialer dialer;
    kube::Cache<api::AnalysisRun> cache{api::decodeAnalysisRun};
    Measurer measurer;
    kube::WorkQueue queue;
    int passes = 0;
    bool dead = false;
  };

  std::int64_t version_ = 0;

 public:
  std::unique_ptr<Program> program;
};

}  // namespace crossfade::analysis
