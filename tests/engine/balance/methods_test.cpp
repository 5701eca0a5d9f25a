// tests/engine/balance/methods_test.cpp - methods in text: what is read, what is refused, and what a list becomes.
#include "engine/balance/methods.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "engine/base/error.h"
#include "kernels/balance/chain.h"

namespace equipoise::test {
namespace {

using Specs = std::vector<std::string>;

MethodList parse(const Specs& specs) { return parse_methods(specs, "--method"); }
Method parse_one(const std::string& spec) { return parse({spec}).methods.at(0); }

std::string refusal(const Specs& specs, const NameHint& hint = list_names) {
  try {
    parse_methods(specs, "--method", hint);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::usage);
    return error.what();
  }
  return "nothing was refused";
}

#define EXPECT_REFUSED(specs, part)                                        \
  do {                                                                     \
    const std::string message = refusal(specs);                            \
    EXPECT_NE(message.find(part), std::string::npos) << "in: " << message; \
  } while (false)

TEST(Methods, AreNamedAsTheirEnumerators) {
  const Specs names = method_names();
  ASSERT_EQ(names.size(), static_cast<std::size_t>(MethodKind::graddrop) + 1);
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(parse_one(names[i]).kind, static_cast<MethodKind>(i)) << names[i];
    EXPECT_EQ(method_name(static_cast<MethodKind>(i)), names[i]);
    EXPECT_EQ(method_text(parse_one(names[i])), names[i]);
    EXPECT_NE(methods_help().find("  " + names[i] + " "), std::string::npos) << names[i];
  }
  EXPECT_EQ(parse_one("gradnorm").kind, MethodKind::gradnorm);
  EXPECT_EQ(parse_one("imtl_g").kind, MethodKind::imtl_g);
  EXPECT_EQ(parse_one("famo").kind, MethodKind::famo);
  EXPECT_EQ(parse_one("nash_mtl").kind, MethodKind::nash_mtl);
}

TEST(Methods, ReadEveryKeyIntoItsOwnField) {
  EXPECT_EQ(parse_one("cagrad:c=0.25").c, 0.25);
  EXPECT_EQ(parse_one("fairgrad:alpha=0.5").alpha, 0.5);
  EXPECT_EQ(parse_one("gradvac:beta=1").beta, 1.0);
  EXPECT_EQ(parse_one("graddrop:leak=0.125").leak, 0.125);
  EXPECT_EQ(parse_one("dwa:temperature=1e3").temperature, 1000.0);
  EXPECT_EQ(parse_one("famo:lr=0.5,decay=0").lr, 0.5);
  EXPECT_EQ(parse_one("famo:lr=0.5,decay=0").decay, 0.0);
  EXPECT_EQ(parse_one("nsgd:update_at=7").update_at, 7);
  EXPECT_EQ(parse_one("pcgrad:order=identity").identity_order, 1);
  EXPECT_EQ(parse_one("mgda:normalise=l2").normaliser, Normaliser::l2);
  EXPECT_EQ(parse_one("mgda:normalise=loss").normaliser, Normaliser::loss);
  EXPECT_EQ(parse_one("upgrad : normalise = loss+ ").normaliser, Normaliser::loss_plus);
  const Method gradnorm = parse_one("gradnorm:form=softmax,loss_ratio=weighted,renormalise=none");
  EXPECT_EQ(gradnorm.softmax, 1);
  EXPECT_EQ(gradnorm.loss_ratio, LossRatio::weighted);
  EXPECT_EQ(gradnorm.renormalise, Normalise::none);
}

TEST(Methods, HaveTheDefaultsOfTheirPapers) {
  EXPECT_EQ(parse_one("gradnorm").softmax, 0);
  EXPECT_EQ(parse_one("gradnorm_modified").softmax, 1);
  EXPECT_EQ(parse_one("gradnorm").renormalise, Normalise::after_step);
  EXPECT_EQ(parse_one("cagrad").c, 0.4);
  EXPECT_EQ(parse_one("pcgrad").identity_order, 0);
  EXPECT_EQ(parse_one("mgda").normaliser, Normaliser::none);
}

TEST(Methods, AreWrittenAsTheyAreRead) {
  for (const std::string spec :
       {"cagrad:normalise=l2,c=0.1", "fairgrad:normalise=loss+,alpha=1",
        "gradvac:normalise=loss,order=identity,beta=0.7", "graddrop:leak=0.3333333333333333", "dwa:temperature=1",
        "famo:lr=1e-300,decay=2", "nsgd:update_at=1000000000",
        "gradnorm:form=softmax,loss_ratio=weighted,renormalise=none", "gradnorm_modified:form=weights", "uw", "config",
        "aligned_mtl:normalise=l2", "dualproj:normalise=l2", "imtl_g:normalise=l2", "nash_mtl:normalise=l2"})
    EXPECT_EQ(method_text(parse_one(spec)), spec);
  EXPECT_EQ(method_text(parse_one("cagrad: c=0.4 , normalise=none")), "cagrad");  // what is the default goes unsaid
  const MethodList list = parse({"gradnorm:lr=0.5,form=softmax,alpha=1.5"});
  EXPECT_EQ(method_text(list.methods[0]), "gradnorm:form=softmax");
  EXPECT_EQ(method_text(list.methods[0], &list), "gradnorm:alpha=1.5,lr=0.5,form=softmax");
}

TEST(Methods, LeaveSettingsOfTheRunToTheRun) {
  EXPECT_FALSE(parse({"gradnorm", "pcgrad"}).alpha);
  EXPECT_FALSE(parse({"famo:lr=0.5"}).task_lr);  // FAMO's rate is its own
  const MethodList list = parse({"gradnorm:alpha=0,lr=0.25", "uw:lr=0.25"});
  EXPECT_EQ(list.alpha, 0.0);
  EXPECT_EQ(list.task_lr, 0.25);
  EXPECT_EQ(parse({"fairgrad:alpha=3"}).alpha, std::nullopt);
  EXPECT_REFUSED((Specs{"gradnorm:lr=0.25", "uw:lr=0.5"}), "lr is 0.25 of an earlier method");
}

TEST(Methods, RefuseNamesThatAreNone) {
  EXPECT_REFUSED(Specs{"cagard"}, "--method 'cagard': 'cagard' is not a method; the names are identity, equal");
  EXPECT_REFUSED(Specs{""}, "'' is not a method");
  EXPECT_REFUSED(Specs{"PCGrad"}, "is not a method");
  EXPECT_REFUSED(Specs{"cagrad:d=1"}, "cagrad takes no key 'd'; the names are normalise, c");
  EXPECT_REFUSED(Specs{"rlw:lr=1"}, "rlw takes no keys");
  EXPECT_REFUSED(Specs{"graddrop:normalise=l2"}, "graddrop takes no key 'normalise'");
  EXPECT_REFUSED(Specs{"cagrad:"}, "'' is no key=value");
  EXPECT_REFUSED(Specs{"cagrad:c"}, "'c' is no key=value");
  EXPECT_REFUSED(Specs{"cagrad:c=0.1,"}, "'' is no key=value");
  EXPECT_REFUSED((Specs{"cagrad:c=0.1,c=0.1"}), "c is given twice");
  EXPECT_REFUSED(Specs{"pcgrad:order=sideways"}, "order must be one of random, identity, not 'sideways'");
  const NameHint hint = [](std::string_view wanted, std::span<const std::string> names) {
    return std::string(wanted) + "? " + names.back();
  };
  EXPECT_NE(refusal({"cagard"}, hint).find("cagard? graddrop"), std::string::npos);
  EXPECT_NE(refusal({"cagrad:d=1"}, hint).find("d? c"), std::string::npos);
}

TEST(Methods, RefuseValuesOutOfRange) {
  EXPECT_REFUSED(Specs{"cagrad:c=1"}, "c must be a number in [0, 1), not '1'");
  for (const std::string spec :
       {"cagrad:c=-0.1",     "cagrad:c=nan",       "cagrad:c=",         "cagrad:c=0.1x",       "cagrad:c=1e999",
        "gradvac:beta=1.5",  "graddrop:leak=-1",   "dwa:temperature=0", "famo:lr=0",           "famo:decay=-1",
        "famo:lr=inf",       "nsgd:update_at=0.5", "nsgd:update_at=-1", "nsgd:update_at=1e10", "fairgrad:alpha=0",
        "fairgrad:alpha=11", "gradnorm:alpha=-1",  "gradnorm:lr=0",     "uw:lr=nan",           "nsgd:update_at=nan"})
    EXPECT_REFUSED(Specs{spec}, "must be a");
}

TEST(Methods, RefuseCompositionsThatMakeNoSense) {
  EXPECT_REFUSED(Specs{}, "--method: names no method");
  EXPECT_REFUSED((Specs{"equal", "uw", "mgda", "pcgrad", "graddrop"}), "names 5 methods");
  EXPECT_REFUSED((Specs{"mgda", "mgda:normalise=l2"}), "mgda is named twice");
  EXPECT_REFUSED((Specs{"graddrop", "mgda"}), "name it last");
  EXPECT_REFUSED((Specs{"gradnorm", "gradnorm_modified"}), "share alpha");
  EXPECT_EQ(parse({"gradnorm", "mgda", "pcgrad", "graddrop"}).methods.size(), 4u);
}

TEST(Methods, LieOneBehindAnotherInTheChainsState) {
  const int tasks = 5;
  const Chain chain = make_chain(parse({"gradnorm", "mgda", "gradvac", "nsgd:update_at=2"}).methods, tasks);
  EXPECT_EQ(chain.tasks, tasks);
  EXPECT_EQ(chain.count, 4);
  EXPECT_EQ(chain.methods[0].state, 0);
  EXPECT_EQ(chain.methods[1].state, state_doubles(MethodKind::gradnorm, tasks));
  EXPECT_EQ(chain.methods[2].state, chain.methods[1].state);  // mgda keeps none
  EXPECT_EQ(chain.methods[3].state, chain.methods[2].state + tasks * tasks);
  EXPECT_EQ(chain.state, chain.methods[3].state + state_doubles(MethodKind::nsgd, tasks));
  EXPECT_EQ(chain.methods[3].update_at, 2);
  EXPECT_EQ(chain.private_weights, 0);
  EXPECT_EQ(chain.rescale, 0);
}

TEST(Methods, MakeChainsOfOneToThirtyTwoTasks) {
  const std::vector<Method> methods = parse({"mgda"}).methods;
  EXPECT_EQ(make_chain(methods, 32).tasks, 32);
  for (const int tasks : {0, -1, 33}) EXPECT_THROW(make_chain(methods, tasks), Error) << tasks;
  EXPECT_THROW(make_chain({}, 3), Error);
  EXPECT_THROW(make_chain(std::vector<Method>(5, methods[0]), 3), Error);
}

TEST(Methods, SayWhetherTheyReadTheGradients) {
  const auto needs = [](const Specs& specs) { return needs_gram(make_chain(parse(specs).methods, 3)); };
  for (const std::string name : {"identity", "equal", "uw", "dwa", "rlw", "famo"}) EXPECT_FALSE(needs({name})) << name;
  for (const std::string name : {"gradnorm", "gradnorm_modified", "mgda", "config", "graddrop"})
    EXPECT_TRUE(needs({name})) << name;
  EXPECT_TRUE(needs({"uw", "pcgrad"}));
  Chain rescaled = make_chain(parse({"equal"}).methods, 3);
  rescaled.rescale = 1;
  EXPECT_TRUE(needs_gram(rescaled));
}

TEST(Methods, TakeANormaliserExactlyWhereTheyMixByTheGramMatrix) {
  for (const std::string& name : method_names()) {
    const MethodKind kind = parse_one(name).kind;
    const bool takes = refusal({name + ":normalise=l2"}) == "nothing was refused";
    EXPECT_EQ(takes, !weighs_losses(kind) && kind != MethodKind::graddrop) << name;
  }
}

TEST(Methods, SayWhetherTheirWeightsWaitForTheLosses) {
  for (const std::string& name : method_names()) {
    const bool waits = name == "dwa" || name == "rlw" || name == "famo";
    EXPECT_EQ(needs_losses(parse_one(name).kind), waits) << name;
  }
}

}  // namespace
}  // namespace equipoise::test
