// The built-in routers, one file each. registry.cpp has a line for each of them.
#pragma once
#include <memory>
#include <string>

#include "traffic/router.hpp"

namespace crossfade::traffic {

// What the controller's flags say about the kinds that routers work on. spec/05 §1.9.
struct RouterSettings {
  std::string istio_version = "v1alpha3";
  std::string traffic_split_version = "v1alpha1";
  std::string ambassador_group = "getambassador.io", ambassador_version = "v2";
  std::string app_mesh_version = "v1beta2";
  std::string traefik_group = "traefik.io", traefik_version = "v1alpha1";
};

// `config` is the object under the router's key. A field of a wrong type counts as absent; what is missing is reported
// when the router is asked to act.
std::unique_ptr<Router> makeIstio(const json::object& config, const RouterSettings& settings);       // spec/05 §5
std::unique_ptr<Router> makeNginx(const json::object& config, const RouterSettings& settings);       // spec/05 §6
std::unique_ptr<Router> makeSmi(const json::object& config, const RouterSettings& settings);         // spec/05 §8
std::unique_ptr<Router> makeAmbassador(const json::object& config, const RouterSettings& settings);  // spec/05 §9
std::unique_ptr<Router> makeAppMesh(const json::object& config, const RouterSettings& settings);     // spec/05 §10
std::unique_ptr<Router> makeTraefik(const json::object& config, const RouterSettings& settings);     // spec/05 §11
std::unique_ptr<Router> makeApisix(const json::object& config, const RouterSettings& settings);      // spec/05 §12

}  // namespace crossfade::traffic
