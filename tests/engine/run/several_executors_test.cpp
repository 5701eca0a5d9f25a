// tests/engine/run/several_executors_test.cpp - several executors as one: who gets which replicas, and how what they
// leave is put together, by executors that write what they were asked.
#include "engine/run/several_executors.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "engine/base/error.h"
#include "tests/engine/run/scribe.h"
#include "tests/engine/systems/synthetic_systems.h"

namespace equipoise::test {
namespace {

/// So many scribes as one, and each of them.
struct Scribes {
  explicit Scribes(std::size_t count) {
    std::vector<std::unique_ptr<Executor>> executors;
    for (std::size_t i = 0; i < count; ++i) {
      auto one = std::make_unique<Scribe>();
      each.push_back(one.get());
      executors.push_back(std::move(one));
    }
    all = make_several(std::move(executors));
  }
  std::vector<Scribe*> each;
  std::unique_ptr<Executor> all;
};

/// Replicas of a training and its evaluation, numbered from `begin`, as scribes are asked of them.
struct Asked {
  explicit Asked(int replicas, uint32_t begin = 7) : population(s.plan.setup, train, {}) {
    PlanLimits limits;
    limits.beside = train.code.get();
    evaluate = evaluation_program(s.plan.setup, 20, limits);
    Numbers all;
    for (int r = 0; r < replicas; ++r) all.push_back(begin + static_cast<uint32_t>(r));
    population = Population(s.plan.setup, train, all);
    numbers = all;
    scratch.resize(all.size());
    rules.resize(all.size());
    standings.resize(all.size());
    for (std::size_t r = 0; r < all.size(); ++r) rules[r].epochs = static_cast<int>(1000 + all[r]);
    for (std::size_t i = 0; i < population.state.size(); ++i) population.state[i] = static_cast<float>(i);
    best.resize(all.size() * static_cast<std::size_t>(train.moment_stride));
    for (std::size_t i = 0; i < best.size(); ++i) best[i] = 0.5f * static_cast<float>(i);
    emitted.rows = 3;
  }
  void load(Executor& executor) const {
    executor.load_tables(tables_of(*s.plan.setup.system, s.data, s.split, s.plan.class_weights));
    executor.load_state(population.state, train.state_floats);
    executor.load_best(best, train.moment_stride);
  }
  EpochsRun epochs(int slots, bool keeps) {
    return {{train, population.settings, population.controls, {50, false}},
            {evaluate, population.settings, scratch, {1, true}, &emitted},
            rules,
            standings,
            slots,
            keeps,
            &records};
  }
  std::size_t each() const { return static_cast<std::size_t>(train.state_floats); }
  /// Of each output, but those of no interest, what scribes tell.
  void expect_told(int slots) const {
    ASSERT_EQ(emitted.values.size(), evaluate.output_cols.size());
    for (std::size_t o = 0; o < emitted.values.size(); ++o) {
      std::vector<float> expected;
      if (emitted.outputs >> o & 1u)
        for (const uint32_t number : numbers)
          for (int slot = 0; slot < slots; ++slot)
            for (int row = 0; row < emitted.rows; ++row)
              for (int col = 0; col < evaluate.output_cols[o]; ++col)
                expected.push_back(told_at(number, o, slot, row, col));
      EXPECT_EQ(emitted.values[o], expected) << "output " << o;
    }
  }

  SyntheticSystem s = synthetic_system(synthetic_setup());
  Program train = synthetic_program(s.plan.setup, s.plan.batch);
  Program evaluate;
  Population population;
  Numbers numbers;
  std::vector<Control> scratch;
  std::vector<EpochRules> rules;
  std::vector<EpochStanding> standings;
  std::vector<double> records;
  std::vector<float> best;
  Emitted emitted;
};

TEST(SeveralExecutors, DealReplicasInOrderAndAsEvenlyAsCanBe) {
  const std::vector<std::pair<int, std::vector<Numbers>>> dealt = {{7, {{7, 8, 9}, {10, 11}, {12, 13}}},
                                                                   {8, {{7, 8, 9}, {10, 11, 12}, {13, 14}}},
                                                                   {6, {{7, 8}, {9, 10}, {11, 12}}},
                                                                   {2, {{7}, {8}, {}}},
                                                                   {1, {{7}, {}, {}}}};
  for (const auto& [replicas, expected] : dealt) {
    Scribes three(3);
    Asked a(replicas);
    a.load(*three.all);
    three.all->run(a.train, a.population.settings, a.population.controls, {1, false});
    for (std::size_t e = 0; e < 3; ++e) {
      EXPECT_EQ(three.each[e]->labels, std::vector<int32_t>(a.s.data.label.begin(), a.s.data.label.end()));
      EXPECT_EQ(three.each[e]->loads, expected[e].empty() ? 0 : 1) << replicas << " replicas, " << e;
      EXPECT_EQ(three.each[e]->runs, expected[e].empty() ? std::vector<Numbers>{} : std::vector<Numbers>{expected[e]})
          << replicas << " replicas, " << e;
    }
  }
}

TEST(SeveralExecutors, PutRowsOfSeveralProgramsTogetherInTheOrderOfReplicas) {
  for (const int replicas : {1, 2, 5}) {
    Scribes three(3);
    Asked a(replicas);
    a.load(*three.all);
    a.emitted.outputs = ~uint32_t{2};
    a.emitted.values = {{1, 2, 3}};  // of an earlier run
    std::vector<Control> evaluated(a.numbers.size());
    const ProgramRun runs[] = {{a.train, a.population.settings, a.population.controls, {4, false}},
                               {a.evaluate, a.population.settings, evaluated, {9, true}, &a.emitted}};
    std::vector<float> work, state(a.population.state.size());
    three.all->run(runs, &work);
    a.expect_told(1);
    three.all->store_state(state);
    for (std::size_t r = 0; r < a.numbers.size(); ++r) {
      EXPECT_EQ(a.population.controls[r].step, 4 + a.numbers[r]);
      EXPECT_EQ(evaluated[r].step, 9 + a.numbers[r]);
      EXPECT_EQ(state[r * a.each()], a.population.state[r * a.each()] + 2 * static_cast<float>(a.numbers[r]));
    }
    EXPECT_EQ(work, (std::vector<float>{7, 0.5f})) << "of the first replica";
  }
}

TEST(SeveralExecutors, PutRecordsAndKeptRowsTogetherInTheOrderOfReplicas) {
  for (const int replicas : {1, 2, 5})
    for (const bool keeps : {true, false}) {
      Scribes three(3);
      Asked a(replicas);
      a.load(*three.all);
      a.records = {1, 2, 3};  // of an earlier run
      three.all->run_epochs(a.epochs(4, keeps));
      a.expect_told(keeps ? 4 : 1);
      std::vector<double> expected;
      const int doubles = record_doubles(record_shape(a.train, a.evaluate));
      for (const uint32_t number : a.numbers)
        for (int slot = 0; slot < 4; ++slot)
          for (int at = 0; at < doubles; ++at) expected.push_back(noted_at(number, slot, at));
      EXPECT_EQ(a.records, expected);
      std::vector<float> best(a.best.size());
      three.all->store_bests(0, best);
      const auto floats = static_cast<std::size_t>(a.train.moment_stride);
      for (std::size_t r = 0; r < a.numbers.size(); ++r) {
        EXPECT_EQ(a.population.controls[r].step, 50 + a.numbers[r]);
        EXPECT_EQ(a.standings[r].records, 4);
        EXPECT_EQ(a.standings[r].best_value, a.numbers[r] + 0.25);
        EXPECT_EQ(best[r * floats], a.best[r * floats] + static_cast<float>(a.numbers[r]));
      }
    }
}

TEST(SeveralExecutors, MoveFloatsOfReplicasThatLieOnSeveralOfThem) {
  Scribes three(3);
  const std::size_t each = 2, replicas = 7;  // 3 + 2 + 2
  std::vector<float> state(replicas * each), best(replicas * each);
  for (std::size_t i = 0; i < state.size(); ++i) state[i] = static_cast<float>(i), best[i] = -static_cast<float>(i);
  three.all->load_state(state, each);
  three.all->load_best(best, each);
  for (std::size_t first = 0; first <= replicas; ++first)
    for (std::size_t count = 0; count <= replicas - first; ++count) {
      const auto expected = [&](const std::vector<float>& all) {
        return std::vector<float>(all.begin() + static_cast<std::ptrdiff_t>(first * each),
                                  all.begin() + static_cast<std::ptrdiff_t>((first + count) * each));
      };
      std::vector<float> got(count * each);
      three.all->store_states(first, got);
      EXPECT_EQ(got, expected(state)) << first << " and " << count;
      three.all->store_bests(first, got);
      EXPECT_EQ(got, expected(best)) << first << " and " << count;
      for (std::size_t i = first * each; i < (first + count) * each; ++i) state[i] += 100, best[i] -= 100;
      three.all->load_states(first, expected(state));
      three.all->load_bests(first, expected(best));
      std::vector<float> all(replicas * each);
      three.all->store_state(all);
      EXPECT_EQ(all, state);
      three.all->store_bests(0, all);
      EXPECT_EQ(all, best);
    }
  for (Scribe* one : three.each) one->moves = 0;
  three.all->load_states(3, std::vector<float>(2 * each));
  EXPECT_EQ(three.each[0]->moves, 0);
  EXPECT_EQ(three.each[1]->moves, 1) << "whose replicas they are";
  EXPECT_EQ(three.each[2]->moves, 0);
}

TEST(SeveralExecutors, RefuseReplicasThatAreNotLoaded) {
  Scribes three(3);
  std::vector<float> one(2), odd(3), none;
  EXPECT_THROW(three.all->store_states(0, one), std::logic_error) << "nothing is";
  three.all->load_state(std::vector<float>(10), 2);
  EXPECT_NO_THROW(three.all->store_states(4, one));
  EXPECT_THROW(three.all->store_states(5, one), std::logic_error);
  EXPECT_THROW(three.all->store_states(0, odd), std::logic_error);
  EXPECT_THROW(three.all->load_states(6, none), std::logic_error);
  EXPECT_THROW(three.all->load_bests(0, one), std::logic_error) << "a state is loaded, no best parameters";
  EXPECT_THROW(three.all->load_state(odd, 2), std::logic_error);
  Asked a(4), fewer(3);
  a.load(*three.all);
  EXPECT_THROW(three.all->run(fewer.train, fewer.population.settings, fewer.population.controls, {1, false}),
               std::logic_error);
  EXPECT_THROW(three.all->run_epochs(fewer.epochs(1, true)), std::logic_error);
  three.all->load_best(std::vector<float>(8), 2);
  EXPECT_THROW(three.all->run_epochs(a.epochs(1, true)), std::logic_error) << "best parameters of another program";
  a.population.settings[3].source_set = 1;
  EXPECT_THROW(three.all->run(a.train, a.population.settings, a.population.controls, {1, false}), std::logic_error)
      << "a source set that is not there";
  for (Scribe* scribe : three.each) EXPECT_TRUE(scribe->runs.empty()) << "nobody ran";
}

TEST(SeveralExecutors, RunAtOnce) {
  Scribes three(3);
  std::mutex mutex;
  std::condition_variable all_are_here;
  int here = 0, met = 0;
  for (Scribe* one : three.each)
    one->before = [&] {
      std::unique_lock lock(mutex);
      if (++here == 3) all_are_here.notify_all();
      met += all_are_here.wait_for(lock, std::chrono::seconds(20), [&] { return here == 3; });
    };
  Asked a(3);
  a.load(*three.all);
  three.all->run(a.train, a.population.settings, a.population.controls, {1, false});
  EXPECT_EQ(met, 3);
}

TEST(SeveralExecutors, ThrowWhatTheFirstOfThemThrewOnceAllHaveEnded) {
  Scribes four(4);
  bool ended = false;
  const auto sleep = [](int ms) { std::this_thread::sleep_for(std::chrono::milliseconds(ms)); };
  four.each[1]->before = [&] { sleep(40), throw Error(ExitCode::device, "the second of four"); };
  four.each[2]->before = [] { throw std::runtime_error("the third"); };
  four.each[3]->before = [&] { sleep(120), ended = true; };
  Asked a(4);
  a.load(*four.all);
  const auto expect_thrown = [&](const std::function<void()>& call) {
    ended = false;
    try {
      call();
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(), "the second of four");
      EXPECT_EQ(error.code(), ExitCode::device);
    }
    EXPECT_TRUE(ended) << "the last one still runs";
  };
  expect_thrown([&] { four.all->run(a.train, a.population.settings, a.population.controls, {1, false}); });
  expect_thrown([&] { four.all->run_epochs(a.epochs(2, false)); });
}

TEST(SeveralExecutors, SayWhatTheyAre) {
  const auto of = [](std::vector<std::pair<const char*, PlanLimits>> what) {
    std::vector<std::unique_ptr<Executor>> executors;
    int threads = 3;
    for (const auto& [name, limits] : what) executors.push_back(std::make_unique<Scribe>(name, limits, threads ^= 2));
    return make_several(std::move(executors));
  };
  const auto three = of({{"H200", {5000, true}}, {"A100", {3000, true}}, {"H200", {5000, true}}});
  EXPECT_EQ(three->name(), "2 x H200 + A100");
  EXPECT_EQ(three->plan_limits().fast_floats, 3000);
  EXPECT_TRUE(three->plan_limits().resident_parameters);
  EXPECT_EQ(three->plan_limits().beside, nullptr);
  EXPECT_EQ(three->host_threads(), 3);
  EXPECT_EQ(three->devices(), 3);
  const auto one = of({{"H200", {5000, true}}});
  EXPECT_EQ(one->name(), "H200");
  EXPECT_EQ(one->devices(), 1);
  EXPECT_EQ(of({{"B", {}}, {"B", {}}})->name(), "2 x B");
  EXPECT_THROW(of({}), std::logic_error);
  try {
    of({{"H200", {5000, true}}, {"CPU", {}}});
    ADD_FAILURE() << "they share no plan";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::device);
    EXPECT_NE(std::string(error.what()).find("H200 and CPU keep parameters in unlike memory"), std::string::npos);
  }
}

}  // namespace
}  // namespace equipoise::test
